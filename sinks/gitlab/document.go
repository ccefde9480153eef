package gitlab

// The objects of the format.
type (
	document struct {
		Version         string          `json:"version"`
		Scan            scan            `json:"scan"`
		Vulnerabilities []vulnerability `json:"vulnerabilities"`
	}
	scan struct {
		Analyzer  tool      `json:"analyzer"`
		Scanner   tool      `json:"scanner"`
		Type      string    `json:"type"`
		StartTime string    `json:"start_time"`
		EndTime   string    `json:"end_time"`
		Status    string    `json:"status"`
		Messages  []message `json:"messages,omitempty"`
	}
	tool struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Version string `json:"version"`
		Vendor  vendor `json:"vendor"`
	}
	vendor struct {
		Name string `json:"name"`
	}
	message struct {
		Level string `json:"level"`
		Value string `json:"value"`
	}
	vulnerability struct {
		ID          string       `json:"id"`
		Category    string       `json:"category"`
		Name        string       `json:"name"`
		Description string       `json:"description"`
		Severity    string       `json:"severity"`
		Solution    string       `json:"solution"`
		Identifiers []identifier `json:"identifiers"`
		Links       []link       `json:"links,omitempty"`
		Location    location     `json:"location"`
	}
	identifier struct {
		Type  string `json:"type"`
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	link struct {
		URL string `json:"url"`
	}
	location struct {
		File      string `json:"file"`
		Commit    commit `json:"commit"`
		StartLine int64  `json:"start_line,omitempty"`
		EndLine   int64  `json:"end_line,omitempty"`
	}
	commit struct {
		SHA string `json:"sha"`
	}
)
