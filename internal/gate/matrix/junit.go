package matrix

import (
	"encoding/xml"
	"fmt"
	"io"

	"sluice/internal/gate"
)

// The JUnit form that CI systems read: one suite for each system.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	Time    string      `xml:"time,attr"`
	Failure *junitCause `xml:"failure,omitempty"`
	Error   *junitCause `xml:"error,omitempty"`
	Skipped *junitCause `xml:"skipped,omitempty"`
	Out     string      `xml:"system-out,omitempty"`
}

type junitCause struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// writeJUnit makes a failure of fail, an error of inconclusive (a pipeline must
// not go green on it), and skipped of skipped and waived.
func writeJUnit(w io.Writer, r *gate.Report) error {
	all := junitSuites{Name: "sluice gate " + inert(r.Gateway), Time: seconds(r.Took.Seconds())}
	for _, s := range bySystem(r) {
		suite := junitSuite{Name: s.ID}
		for _, o := range s.outcomes {
			suite.add(o)
		}
		all.Tests, all.Failures = all.Tests+suite.Tests, all.Failures+suite.Failures
		all.Errors, all.Skipped = all.Errors+suite.Errors, all.Skipped+suite.Skipped
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *junitSuite) add(o gate.Outcome) {
	c := junitCase{Class: "sluice.gate." + o.System, Name: o.ID + ". " + inert(o.Title), Time: seconds(o.Took.Seconds())}
	s.Tests++
	evidence := inert(o.Evidence)
	switch o.Verdict {
	case gate.Fail:
		s.Failures++
		c.Failure = &junitCause{Message: evidence, Type: o.Severity.String(), Text: inert(o.Remedy)}
	case gate.Inconclusive:
		s.Errors++
		c.Error = &junitCause{Message: evidence, Type: "inconclusive"}
	case gate.Skipped:
		s.Skipped++
		c.Skipped = &junitCause{Message: evidence}
	case gate.Waived:
		s.Skipped++
		c.Skipped = &junitCause{Message: "waived: " + waiverWords(o) + ": " + evidence}
	default:
		c.Out = evidence
	}
	if o.Provider != "" {
		c.Out += " Provider: " + inert(o.Provider)
	}
	s.Cases = append(s.Cases, c)
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
