package rules

import "embed"

//go:embed testdata/*.txt
var corpus embed.FS

// ExamplesOf are the examples that come with a rule of ours; nil for others.
func ExamplesOf(id string) []Example {
	text, err := corpus.ReadFile("testdata/" + id + ".txt")
	if err != nil {
		return nil // a rule of gitleaks or of the user's
	}
	list, err := ParseExamples(string(text))
	if err != nil {
		return nil // a test reads every one of them
	}
	return list
}

// Template is the text as the file has it, with its templates and marks.
func (e Example) Template() string { return e.text }
