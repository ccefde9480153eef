package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// supervisor tells systemd how the process stands (sd_notify, Type=notify-reload).
// Without NOTIFY_SOCKET it says nothing.
type supervisor struct{ log *slog.Logger }

func (s supervisor) ready() { s.notify(daemon.SdNotifyReady) }

// reloading is followed by ready, whatever became of the reload.
func (s supervisor) reloading() {
	if stamp := daemon.SdNotifyMonotonicUsec(); stamp != "" {
		s.notify(daemon.SdNotifyReloading + "\n" + stamp)
	}
}

func (s supervisor) stopping() { s.notify(daemon.SdNotifyStopping) }

func (s supervisor) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("tell systemd", "state", state, "err", err)
	}
}

// watchdog tells systemd that the process lives until ctx ends, twice as often as
// it wants to hear it.
func (s supervisor) watchdog(ctx context.Context) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		s.log.Warn("read systemd's watchdog", "err", err)
	}
	if every <= 0 {
		return
	}
	tick := time.NewTicker(every / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.notify(daemon.SdNotifyWatchdog)
		}
	}
}
