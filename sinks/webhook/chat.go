package webhook

import (
	"strings"
	"time"

	"sluice/internal/report"
)

// Lengths that keep a chat's message within what it takes, bytes.
const (
	chatText     = 600 // of a text a log's author can choose
	discordTitle = 256
	discordField = 1000 // 1024 characters
	discordEmbed = 1100 // of 6000 characters in all, five a message
)

type object = map[string]any

// slackBody is a message of rich text: its elements are literal text, which
// Slack neither parses for markup and mentions nor turns into links where it is
// code. Only the text of the notification is mrkdwn.
func slackBody(_ *renderer, m *Message) (any, error) {
	var blocks []any
	for i := range m.Alerts {
		a := &m.Alerts[i]
		elements := []any{slackText(a.heading()+"\n", "bold")}
		for _, f := range a.facts() {
			elements = append(elements, slackText(f[0]+": ", ""), slackText(report.Clip(f[1], chatText), "code"), slackText("\n", ""))
		}
		elements = append(elements, slackText(report.Clip(a.Advice, chatText), "code"))
		blocks = append(blocks, object{"type": "rich_text", "elements": []any{object{"type": "rich_text_section", "elements": elements}}})
	}
	return object{"text": slackEscape(m.summary()), "blocks": blocks, "unfurl_links": false, "unfurl_media": false}, nil
}

func slackText(text, style string) object {
	o := object{"type": "text", "text": text}
	if style != "" {
		o["style"] = object{style: true}
	}
	return o
}

// slackEscape makes text literal in mrkdwn: the three characters as Slack
// documents, the rest by plainEscape.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(plainEscape(s))
}

// plainEscape puts look-alikes in the place of what chats take for style, a
// mention or a link, for text that stands outside code.
func plainEscape(s string) string {
	return strings.NewReplacer("*", "∗", "_", "＿", "~", "∼", "`", "ˋ", "[", "［", "@", "＠", "://", ":∕∕", "|", "∣").Replace(s)
}

// teamsBody is an adaptive card. What a log's author can choose stands in text
// runs, which have no Markdown; in text blocks it would.
func teamsBody(_ *renderer, m *Message) (any, error) {
	body := []any{object{"type": "TextBlock", "text": m.summary(), "weight": "Bolder", "wrap": true}}
	for i := range m.Alerts {
		a := &m.Alerts[i]
		body = append(body, teamsLine(true, a.heading(), ""))
		for _, f := range a.facts() {
			body = append(body, teamsLine(false, f[0]+": ", report.Clip(f[1], chatText)))
		}
		body = append(body, teamsLine(false, "", report.Clip(a.Advice, chatText)))
	}
	card := object{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"msteams": object{"width": "Full"}, "body": body}
	return object{"type": "message", "attachments": []any{object{
		"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card}}}, nil
}

func teamsLine(head bool, name, value string) object {
	var runs []any
	if name != "" {
		runs = append(runs, object{"type": "TextRun", "text": teamsEscape(name), "weight": "Bolder", "size": teamsSize(head)})
	}
	if value != "" {
		runs = append(runs, object{"type": "TextRun", "text": teamsEscape(value), "fontType": "Monospace"})
	}
	return object{"type": "RichTextBlock", "inlines": runs, "separator": head}
}

func teamsSize(head bool) string {
	if head {
		return "Medium"
	}
	return "Default"
}

// teamsEscape takes apart what cards and flows carry out inside any text: the
// functions {{DATE(…)}} and templates ${…}, mentions <at>…</at>, and what is made
// a link by itself.
func teamsEscape(s string) string {
	return strings.NewReplacer("{{", "{ {", "${", "$ {", "@{", "@ {", "<", "‹", ">", "›", "://", ":∕∕").Replace(s)
}

// discordBody is embeds with what a log's author can choose in code, where
// Discord parses nothing, and with no mention allowed anywhere.
func discordBody(_ *renderer, m *Message) (any, error) {
	var embeds []any
	for i := range m.Alerts {
		a := &m.Alerts[i]
		room := discordEmbed
		title := report.Clip(plainEscape(a.heading()), discordTitle)
		room -= len(title)
		var fields []any
		for _, f := range append(a.facts(), [2]string{"Do", a.Advice}) {
			if room < 100 {
				break
			}
			value := "`" + report.Clip(discordCode(f[1]), min(discordField, room-50)) + "`"
			room -= len(f[0]) + len(value)
			fields = append(fields, object{"name": f[0], "value": value})
		}
		embeds = append(embeds, object{"title": title, "fields": fields, "color": color(a.Severity), "timestamp": a.Last.Format(time.RFC3339)})
	}
	return object{"content": m.summary(), "embeds": embeds, "allowed_mentions": object{"parse": []string{}}}, nil
}

// discordCode is text that can't end the code span it stands in.
func discordCode(s string) string { return strings.ReplaceAll(s, "`", "ˋ") }

func color(severity string) int {
	switch severity {
	case "critical":
		return 0xb00020
	case "high":
		return 0xe65100
	case "medium":
		return 0xf9a825
	}
	return 0x546e7a
}
