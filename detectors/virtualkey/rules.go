package virtualkey

import "sluice/internal/record"

// The rules of this detector.
const (
	RuleVirtual = "litellm-virtual-key"
	RuleMaster  = "litellm-master-key"
	RulePartial = "litellm-virtual-key-partial"
	RuleHash    = "litellm-key-hash"
)

// Rule describes one of them to a reader. Severity is what a match has that
// sets none itself.
type Rule struct {
	ID, Description, Help string
	Severity              record.Severity
}

// Rules lists them in the order in which they matter.
func Rules() []Rule {
	return []Rule{
		{
			ID:          RuleMaster,
			Severity:    record.SeverityCritical,
			Description: "The gateway's master key",
			Help: "Whoever has it administers the gateway and can call every model. " +
				"Set a new master key, restart every replica with it, and look in the audit log for keys made since.",
		},
		{
			ID:          RuleVirtual,
			Severity:    record.SeverityCritical,
			Description: "A virtual key of the gateway",
			Help: "A key the gateway knows, or one of the default form that it does not know (state unknown, severity high). " +
				"Block or delete a live key (/key/block, /key/delete) and give its owner a new one; " +
				"replicas may honour it for a minute longer. An unknown key may belong to another gateway.",
		},
		{
			ID:          RulePartial,
			Severity:    record.SeverityHigh,
			Description: "A part of a virtual key",
			Help: "The key was cut before it was printed, but what shows may be enough to find the rest: " +
				"critical with at most 40 bits missing, high with at most 64, info beyond. " +
				"Masked names show the last four characters too. Replace the key, and print no more than those four.",
		},
		{
			ID:          RuleHash,
			Severity:    record.SeverityInfo,
			Description: "The SHA-256 of a key the gateway knows",
			Help: "An identifier, not a secret: the gateway prints it in refusals and spend logs. " +
				"Some versions let any key read /key/info by it, so treat it as internal.",
		},
	}
}

// severityOf is the severity of a part of a key with so many bits missing.
// 40 bits are minutes of work for one machine, 64 are within reach of many.
func severityOf(bitsLeft int) record.Severity {
	switch {
	case bitsLeft <= 40:
		return record.SeverityCritical
	case bitsLeft <= 64:
		return record.SeverityHigh
	}
	return record.SeverityInfo
}
