package gateway

import (
	"time"

	"sluice/internal/record"
)

// StateAt is the key's state at now, given its state when it was read: a live
// key expires without anybody saying so.
func StateAt(k *record.KeyInfo, now time.Time) record.KeyState {
	if (k.State == record.KeyLive || k.State == record.KeyBlocked) && !k.Expires.IsZero() && !now.Before(k.Expires) {
		return record.KeyExpired
	}
	return k.State
}

// LiveAt says whether the key could be used at t: made by then, not expired and
// not deleted before. nil means that it is not known: there is no t, the state
// is blocked or unknown (nobody records when a key was blocked), a key was
// deleted at an unknown time, or the time it was made is unknown, as for the
// master key.
func LiveAt(k *record.KeyInfo, t time.Time) *bool {
	if k == nil || t.IsZero() {
		return nil
	}
	yes, no := true, false
	switch {
	case !k.Created.IsZero() && t.Before(k.Created),
		!k.Expires.IsZero() && !t.Before(k.Expires),
		!k.Deleted.IsZero() && !t.Before(k.Deleted):
		return &no
	case k.Created.IsZero(),
		k.State == record.KeyBlocked, k.State == record.KeyUnknown,
		k.State == record.KeyDeleted && k.Deleted.IsZero():
		return nil
	}
	return &yes
}
