package known

import "sluice/internal/record"

// The rules of this detector.
const (
	RuleMaster = "litellm-master-key"
	RuleSecret = "known-secret"
)

// Rule describes one of them to a reader. Severity is what a match has that
// sets none itself.
type Rule struct {
	ID, Description, Help string
	Severity              record.Severity
}

// Rules lists them, but for RuleMaster: that is described where the master key
// is known by its hash (detectors/virtualkey).
func Rules() []Rule {
	return []Rule{
		{
			ID:          RuleSecret,
			Severity:    record.SeverityCritical,
			Description: "A secret that was told by value",
			Help: "A value of the environment, of a container or of an env file stands in the log; the finding names it. " +
				"Replace it where it was issued, then find what prints it. " +
				"A part of it (whole: false) leaves less to guess, and more than one part may complete it.",
		},
	}
}
