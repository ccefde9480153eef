package main

import (
	"log/slog"
	"testing"
	"time"

	"sluice/internal/gateway"
	"sluice/internal/gateway/fake"
	"sluice/internal/record"
)

// gatewayInProcess is a gateway, and its administrator's client.
func gatewayInProcess(t *testing.T) (*fake.Gateway, *gateway.Client) {
	t.Helper()
	g, err := fake.Start(fake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	client, err := gateway.New(gateway.Config{URL: g.URL, Credential: record.NewSecret(g.MasterKey)})
	if err != nil {
		t.Fatal(err)
	}
	return g, client
}

// A key that leaked before anybody could say whose it is gets its owner as an
// update with the same fingerprint, once, however often it was found; a finding
// that comes later has the owner at once.
func TestOwnersBecomeKnownLater(t *testing.T) {
	g, client := gatewayInProcess(t)
	key := g.AddKey(fake.Key{Alias: "late"})
	for name, learn := range map[string]func(*owners){
		"by a refresh": func(o *owners) {
			keys, err := client.Fetch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := o.detection.setKeys(keys); err != nil {
				t.Fatal(err)
			}
			o.refreshed(keys)
		},
		"by its hash": func(o *owners) {
			hash := gateway.HashKey(record.NewSecret(key))
			info, found, err := client.KeyInfo(t.Context(), hash)
			if err != nil || !found {
				t.Fatal(found, err)
			}
			o.answer(hash, info)
			o.answer(hash, info)
		},
	} {
		t.Run(name, func(t *testing.T) {
			sink := &kept{}
			o := newOwners(sink, testDetection(t), slog.New(slog.DiscardHandler))
			line := "key " + key + " was refused\n"
			examine(t, o.detection, o.resolve, o, line)
			examine(t, o.detection, o.resolve, o, line)
			learn(o)
			examine(t, o.detection, o.resolve, o, line)
			got := sink.all()
			if len(got) != 4 {
				t.Fatalf("%d findings, want two strangers, an update, and one with its owner", len(got))
			}
			for i, want := range []struct {
				alias  string
				update bool
				sev    record.Severity
			}{{"", false, record.SeverityHigh}, {"", false, record.SeverityHigh}, {"late", true, record.SeverityCritical}, {"late", false, record.SeverityCritical}} {
				f := got[i]
				if f.Key == nil || f.Key.Alias != want.alias || f.Update != want.update || f.Severity != want.sev || f.Fingerprint != got[0].Fingerprint {
					t.Errorf("finding %d: key %+v, update %v, severity %v", i, f.Key, f.Update, f.Severity)
				}
			}
		})
	}
}

// The answer may come before the finding is delivered.
func TestOwnerKnownBeforeTheDelivery(t *testing.T) {
	sink := &kept{}
	o := newOwners(sink, testDetection(t), slog.New(slog.DiscardHandler))
	key := fake.NewKey()
	hash := gateway.HashKey(record.NewSecret(key))
	o.resolve(t.Context(), []record.Match{{Rule: "litellm-virtual-key", Whole: true, Secret: []byte(key), Hash: hash}})
	finding := record.Finding{Rule: "litellm-virtual-key", Whole: true, Print: o.detection.redactor.Print([]byte(key)), Key: &record.KeyInfo{State: record.KeyUnknown}, Time: time.Now()}
	o.answer(hash, &record.KeyInfo{Alias: "late", State: record.KeyLive})
	if err := o.Write(t.Context(), []record.Delivery{{Findings: []record.Finding{finding}}}); err != nil {
		t.Fatal(err)
	}
	if got := sink.all(); len(got) != 2 || got[1].Key.Alias != "late" || !got[1].Update {
		t.Errorf("delivered %+v", got)
	}
}
