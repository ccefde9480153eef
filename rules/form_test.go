package rules

import (
	"regexp"
	"testing"
)

func TestFormBits(t *testing.T) {
	for pattern, strong := range map[string]bool{
		`\b(ghp_[0-9a-zA-Z]{36})\b`:               true,
		`sk-[A-Za-z0-9_-]{21}[AQgw]`:              true,
		`(?i)password\s*=\s*"([^"]{8,150})"`:      false,
		`key[:=]([\w.=-]{10,150})`:                false,
		`[a-f0-9]{32}`:                            true,
		`(?:tok_[a-z]{40}|pw-[a-z]{3})`:           false,
		`([0-9]{12})`:                             false,
		`-----BEGIN KEY-----[\s\S]{64,}?-----END`: true,
	} {
		r := Rule{Regex: regexp.MustCompile(pattern)}
		if got := r.FormBits(); (got >= StrongBits) != strong {
			t.Errorf("%s: %.0f bits, want strong %v", pattern, got, strong)
		}
	}
}
