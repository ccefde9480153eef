package annotations

import (
	"strconv"
	"strings"
)

// The two forms escape differently, and each differently in its parameters and
// in its text. Strings are visible by now: no line ends but those escaped here
// for safety.
var (
	githubText  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubParam = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	azureText   = strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A")
	azureParam  = strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A", "]", "%5D", ";", "%3B")
)

// github writes ::error file=…,line=…,col=…,title=…::text.
func (a *annotation) github(b *strings.Builder) {
	b.WriteString("::" + [...]string{"notice", "warning", "error"}[a.level] + " ")
	if a.file != "" {
		b.WriteString("file=" + githubParam.Replace(a.file) + ",")
		if a.line > 0 {
			b.WriteString("line=" + strconv.FormatInt(a.line, 10) + ",")
		}
		if a.line > 0 && a.column > 0 {
			b.WriteString("col=" + strconv.FormatInt(a.column, 10) + ",")
		}
	}
	b.WriteString("title=" + githubParam.Replace(a.title) + "::" + githubText.Replace(a.text) + "\n")
}

// azure writes ##vso[task.logissue type=error;sourcepath=…;…]text. It has no
// notices.
func (a *annotation) azure(b *strings.Builder) {
	b.WriteString("##vso[task.logissue type=" + [...]string{"warning", "warning", "error"}[a.level] + ";")
	if a.file != "" {
		b.WriteString("sourcepath=" + azureParam.Replace(a.file) + ";")
		if a.line > 0 {
			b.WriteString("linenumber=" + strconv.FormatInt(a.line, 10) + ";")
		}
		if a.line > 0 && a.column > 0 {
			b.WriteString("columnnumber=" + strconv.FormatInt(a.column, 10) + ";")
		}
	}
	b.WriteString("code=" + azureParam.Replace(a.title) + ";]" + azureText.Replace(a.text) + "\n")
}
