// Command score says how many of a scanner's findings are true.
//
//	score -format jsonl -log gateway.log -truth truth.json report
//
// A finding is true if its bytes hold a secret of the truth file, or lie in one;
// every place in the log where a secret stands and no finding is counted as
// missed. Formats: jsonl (Sluice: offset and length), gitleaks (its JSON: the
// secret's text), text (any output: a secret counts as found where it is
// quoted, and nothing is known of false ones).
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	format := flag.String("format", "jsonl", "jsonl, gitleaks or text")
	log := flag.String("log", "", "the log that was scanned")
	truth := flag.String("truth", "", "the secrets in it")
	flag.Parse()
	line, err := run(*format, *log, *truth, flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "score:", err)
		os.Exit(1)
	}
	fmt.Println(line)
}

// score counts findings and the places of secrets.
type score struct{ findings, trueOnes, places, found int }

func run(format, logPath, truthPath, reportPath string) (string, error) {
	log, err := os.ReadFile(logPath)
	if err != nil {
		return "", err
	}
	report, err := os.ReadFile(reportPath)
	if err != nil {
		return "", err
	}
	var t struct{ Secrets []string }
	text, err := os.ReadFile(truthPath)
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		return "", err
	}
	var s score
	switch format {
	case "jsonl":
		err = s.jsonl(log, report, t.Secrets)
	case "gitleaks":
		err = s.gitleaks(report, t.Secrets)
	case "text":
		s.text(report, t.Secrets)
	default:
		err = fmt.Errorf("format %q: want jsonl, gitleaks or text", format)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("findings=%d true=%d false=%d secrets=%d found=%d missed=%d",
		s.findings, s.trueOnes, s.findings-s.trueOnes, s.places, s.found, s.places-s.found), nil
}

// jsonl judges findings by their places. Info is no alarm: identifiers.
func (s *score) jsonl(log, report []byte, secrets []string) error {
	type span struct{ start, end int }
	var spans []span
	for _, line := range bytes.Split(report, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var f struct {
			Severity string
			Position struct{ Offset, Length int }
		}
		if err := json.Unmarshal(line, &f); err != nil {
			return err
		}
		if f.Severity != "" && f.Severity != "info" {
			spans = append(spans, span{f.Position.Offset, f.Position.Offset + f.Position.Length})
		}
	}
	covered := make([]bool, len(log))
	s.findings = len(spans)
	for _, sp := range spans {
		for i := max(sp.start, 0); i < min(sp.end, len(log)); i++ {
			covered[i] = true
		}
	}
	secret := make([]bool, len(log))
	at := 0
	for _, value := range secrets { // in the order in which they were written
		i := bytes.Index(log[at:], []byte(value))
		if i < 0 {
			return fmt.Errorf("a secret of the truth is not in the log")
		}
		at += i
		whole := true
		for j := at; j < at+len(value); j++ {
			secret[j] = true
			whole = whole && covered[j]
		}
		s.places++
		if whole {
			s.found++
		}
	}
	for _, sp := range spans {
		for i := max(sp.start, 0); i < min(sp.end, len(log)); i++ {
			if secret[i] {
				s.trueOnes++
				break
			}
		}
	}
	return nil
}

func (s *score) gitleaks(report []byte, secrets []string) error {
	var list []struct{ Secret string }
	if err := json.Unmarshal(report, &list); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, v := range secrets {
		known[v] = false
	}
	s.findings, s.places = len(list), len(secrets)
	for _, f := range list {
		for _, v := range append([]string{f.Secret}, strings.FieldsFunc(f.Secret, func(r rune) bool { return strings.ContainsRune(" '\"\\,;:=", r) })...) {
			if _, ok := known[v]; ok {
				known[v] = true
				s.trueOnes++
				break
			}
		}
	}
	for _, seen := range known {
		if seen {
			s.found++
		}
	}
	return nil
}

func (s *score) text(report []byte, secrets []string) {
	s.places = len(secrets)
	for _, v := range secrets {
		if bytes.Contains(report, []byte(v)) {
			s.found++
		}
	}
	s.findings, s.trueOnes = s.found, s.found
}
