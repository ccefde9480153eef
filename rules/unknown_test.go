package rules

import (
	"strings"
	"testing"
)

// whatRulesKnow is the README's table: for each row, a line of a log with SECRET
// in it, and whether rules alone find it. The values are in secretsOfRows.
const whatRulesKnow = `
| what the log has | example | found by rules | why |
| --- | --- | --- | --- |
| a key with a shape of its own, anywhere | text \nSHAPED, more | yes | its prefix and length tell |
| a random value behind a name that says key, token or secret | 'mistral_api_key': 'RANDOM32' | yes | the name tells |
| a credential behind Authorization or Bearer | 'authorization': 'Bearer RANDOM32' | yes | the header tells |
| a password in a URL | postgresql://llm:PASSWORD@db:5432/litellm | yes | the place tells |
| an AWS secret key near its key id or the word aws | aws AKIAQ2VR7TYPLK3WSDF4 / AWSSECRET | yes | the neighbour tells |
| the master key under its name, whatever its shape | LITELLM_MASTER_KEY=WORDS | yes | the name tells |
| a random value with nothing before it (Mistral, Azure) | answer was RANDOM32 from upstream | no | hashes and ids look the same |
| 32 hex digits with nothing before them (Azure) | deployment HEX32 is gone | no | MD5 sums and trace ids look the same |
| an AWS secret key alone | I use AWSSECRET for it | no | 40 characters of base64 may be anything |
| a password in prose | the database wants PASSWORD now | no | it is a word |
| a master key of words with no name before it | try WORDS please | no | it is a name |
| the second half of a key that was cut | HALF is what came back | no | it has no head |
`

var secretsOfRows = map[string]string{
	"SHAPED": "gsk_" + "xIbZkJpRL4sQy17NtPd88am4fVUpb5CUKR87xPkumIk3zLp1f4Wq", "RANDOM32": "bTZBW4nZrK6sYQsuNEt1iXR1u8g1ypQw",
	"HEX32": "2b3c4cb5abf9f9e25113e99112cc3107", "AWSSECRET": "YlHl2z9kjNlm0R0KG7kJ5KqhTo4ZCvaFK2THmNzz",
	"PASSWORD": "yEo8Vet1jlGSZRGyfTzQ", "WORDS": "correct-Horse-7-battery", "HALF": "hUuRhZdsvDQuc8dWrd4q",
}

// TestWhatNoRuleCanKnow: the table is true, in the text and at the end of a line.
func TestWhatNoRuleCanKnow(t *testing.T) {
	set, yes, no := defaults(t), 0, 0
	for row := range strings.Lines(whatRulesKnow) {
		cells := strings.Split(row, " | ")
		if len(cells) != 4 || strings.HasPrefix(row, "| ---") || strings.HasPrefix(row, "| what") {
			continue
		}
		line, secret := cells[1], ""
		for name, value := range secretsOfRows {
			if strings.Contains(line, name) {
				line, secret = strings.Replace(line, name, value, 1), value
			}
		}
		if secret == "" {
			t.Fatalf("no secret in the example: %s", row)
		}
		found := false
		for _, h := range set.Search(line, "") {
			found = found || strings.Contains(line[h.Start:h.End], secret)
		}
		if want := cells[2] == "yes"; found != want {
			t.Errorf("found by rules: %v, the table says %v: %s", found, want, cells[0])
		}
		if found {
			yes++
		} else {
			no++
		}
	}
	if yes < 6 || no < 6 {
		t.Errorf("%d found, %d not: rows are missing", yes, no)
	}
}
