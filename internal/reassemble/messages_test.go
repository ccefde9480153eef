package reassemble

import (
	"testing"

	"sluice/internal/record"
)

// messageBatch is a batch of one message a value.
func messageBatch(values ...string) record.Batch {
	b := record.Batch{Messages: true, End: record.Mark{Stream: "topic/0"}}
	for i, v := range values {
		start := len(b.Text)
		b.Text = append(b.Text, v...)
		b.Records = append(b.Records, record.Record{
			Span: record.Span{Start: start, End: len(b.Text)}, Base: int64(i), Next: int64(i + 1), Msg: int32(i),
		})
		b.End.Offset = int64(i + 1)
	}
	return b
}

// A message is judged alone: nothing of the one before it is shown as context,
// nothing waits for the one behind it.
func TestMessagesAreNeitherHeldNorLed(t *testing.T) {
	s := New(func(text []byte) int { return len(text) })
	for range 3 {
		b, ok := s.Push(messageBatch("first", "", "sk-a", "-----BEGIN RSA PRIVATE KEY-----"))
		if !ok || b.Lead != 0 || len(b.Records) != 4 || string(b.Text) != "firstsk-a-----BEGIN RSA PRIVATE KEY-----" {
			t.Fatalf("%v: lead %d, %d records, %q", ok, b.Lead, len(b.Records), b.Text)
		}
	}
	if s.Held() != 0 {
		t.Errorf("%d bytes are held", s.Held())
	}
	if _, ok := s.Push(messageBatch()); ok {
		t.Error("an empty batch came out")
	}
}

func TestMessageThatEndsInAKeyIsWithheld(t *testing.T) {
	const begin = "-----BEGIN RSA PRIVATE KEY-----\n"
	for text, want := range map[string]bool{
		"start:\n" + begin + "MIIEpAIBAAKCAQEA\nabcd": true,
		begin: true,
		begin + "MIIE\n-----END RSA PRIVATE KEY-----\n":   false,
		begin + "is how a key begins, said the prompt":    false,
		"-----BEGIN CERTIFICATE-----\nMIIE\n":             false,
		"the words -----BEGIN RSA PRIVATE KEY----- alone": false,
	} {
		b, _ := New(nil).Push(messageBatch("before", text, "behind"))
		if b.Records[1].Withhold != want || b.Records[0].Withhold || b.Records[2].Withhold {
			t.Errorf("%q: withheld %v, want %v", text, b.Records[1].Withhold, want)
		}
	}
}
