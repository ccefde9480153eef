package stdout

import (
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"sluice/internal/record"
)

// BenchmarkWrite is one finding of a secret that was not seen before, as most of a
// log of many keys are, with the line that it stands in.
func BenchmarkWrite(b *testing.B) {
	s := New(io.Discard, Options{})
	ds := []record.Delivery{{Findings: []record.Finding{{
		Origin: record.Origin{Kind: "file", Name: "logs/gateway.log"}, Rule: "generic-api-key", Severity: record.SeverityHigh,
		Encoding: record.Plain, Whole: true, Pos: record.Position{Line: 812, Column: 41, Offset: 93120, Length: 40},
		Preview: "sk-…", Length: 40,
		Context: "… " + strings.Repeat("x", 98) + "[sluice:generic-api-key:0000000000000000]" + strings.Repeat("y", 99) + " …",
	}}}}
	b.ReportAllocs()
	for n := uint64(0); b.Loop(); n++ {
		if n%maxGroups == 0 {
			s.groups = newGroups()
		}
		binary.BigEndian.PutUint64(ds[0].Findings[0].Print[:], n)
		if err := s.Write(b.Context(), ds); err != nil {
			b.Fatal(err)
		}
	}
}
