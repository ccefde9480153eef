package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"
	"text/template"
	"text/template/parse"

	"sluice/internal/report"
)

// maxBody is the longest body that a template may make, bytes.
const maxBody = 4 << 20

// userTemplate is a text/template over Message. In a JSON body each value
// that is put out is escaped for the inside of a JSON string unless json made
// it, so that a template whose author forgot is safe, too. Helpers:
//
//	json      the value as JSON, quotes and all
//	slack     text that mrkdwn takes literally
//	plain     text without what chats take for style, mention or link
type userTemplate struct {
	t           *template.Template
	contentType string
	json        bool
}

// escapeName is the helper that parseTemplate adds itself.
const escapeName = "_escape"

func parseTemplate(text, contentType string) (*userTemplate, error) {
	if contentType == "" {
		contentType = "application/json"
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || strings.ContainsAny(contentType, "\r\n") {
		return nil, fmt.Errorf("content type %q: want TYPE/SUBTYPE", contentType)
	}
	u := &userTemplate{contentType: contentType, json: media == "application/json" || strings.HasSuffix(media, "+json")}
	escape := func(v any) string { return report.Visible(fmt.Sprint(v)) }
	if u.json {
		escape = jsonInside
	}
	u.t, err = template.New("webhook").Option("missingkey=error").Funcs(template.FuncMap{
		"json":     jsonWhole,
		"slack":    func(v any) string { return slackEscape(fmt.Sprint(v)) },
		"plain":    func(v any) string { return plainEscape(fmt.Sprint(v)) },
		escapeName: escape,
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	for _, t := range u.t.Templates() {
		if t.Tree != nil && t.Root != nil {
			escapeActions(t.Tree, t.Root)
		}
	}
	return u, nil
}

func jsonWhole(v any) (string, error) {
	b, err := report.AppendJSON(nil, v)
	return string(b), err
}

func jsonInside(v any) string {
	b, err := report.AppendJSON(nil, fmt.Sprint(v))
	if err != nil || len(b) < 2 {
		return ""
	}
	return string(b[1 : len(b)-1])
}

// escapeActions appends the escape to every pipeline that puts something out.
func escapeActions(tree *parse.Tree, n parse.Node) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			escapeActions(tree, child)
		}
	case *parse.ActionNode:
		if len(n.Pipe.Decl) == 0 && !endsIn(n.Pipe, "json") {
			name := parse.NewIdentifier(escapeName).SetTree(tree).SetPos(n.Pos)
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{name}})
		}
	case *parse.IfNode:
		escapeActions(tree, n.List)
		escapeActions(tree, n.ElseList)
	case *parse.RangeNode:
		escapeActions(tree, n.List)
		escapeActions(tree, n.ElseList)
	case *parse.WithNode:
		escapeActions(tree, n.List)
		escapeActions(tree, n.ElseList)
	}
}

func endsIn(p *parse.PipeNode, name string) bool {
	last := p.Cmds[len(p.Cmds)-1]
	id, ok := last.Args[0].(*parse.IdentifierNode)
	return ok && id.Ident == name
}

var errLongBody = fmt.Errorf("template: makes more than %d bytes", maxBody)

// body carries out the template.
func (u *userTemplate) body(m *Message) (contentType string, body []byte, err error) {
	var out limited
	if err := u.t.Execute(&out, m); err != nil {
		if errors.Is(err, errLongBody) {
			return "", nil, errLongBody
		}
		return "", nil, fmt.Errorf("template: %w", err)
	}
	if u.json && !json.Valid(out.Bytes()) {
		return "", nil, errors.New("template: what it makes is no JSON; give its content-type, or write values as {{json .}}")
	}
	return u.contentType, out.Bytes(), nil
}

// limited refuses what is too much.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxBody {
		return 0, errLongBody
	}
	return l.Buffer.Write(p)
}
