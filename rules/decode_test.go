package rules

import (
	"maps"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zricethezav/gitleaks/v8/config"
)

// The rules that come with the program are read to what gitleaks' decoder makes
// of them, and hold no key that it does not know.
func TestEmbeddedRulesAreReadAsTheDecoderReadsThem(t *testing.T) {
	for name, text := range map[string]string{originGitleaks: config.DefaultConfig, originGateway: gatewayRules} {
		l := &layer{origin: name}
		want, wantKeys, err := l.decode(text)
		if err != nil {
			t.Fatal(err)
		}
		vc, keys, err := l.decodeEmbedded(text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, vc) {
			t.Errorf("%s: another configuration", name)
		}
		if !maps.Equal(keys, wantKeys) {
			t.Errorf("%s: %s", name, cmp.Diff(wantKeys, keys, cmp.AllowUnexported(own{})))
		}
		if len(l.warnings) > 0 {
			t.Errorf("%s: %v", name, l.warnings)
		}
	}
}
