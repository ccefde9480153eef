// Command hpcloud prints the lines of a followed log, read with hpcloud/tail:
// what a program does that takes the library's own advice (ReOpen, whole lines).
// With a state file it goes on at the stored offset.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hpcloud/tail"
)

func main() {
	poll := flag.Bool("poll", false, "poll instead of inotify")
	state := flag.String("state", "", "file with the offset; empty: none")
	flag.Parse()
	if err := follow(flag.Arg(0), *poll, *state); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func follow(path string, poll bool, state string) error {
	cfg := tail.Config{Follow: true, ReOpen: true, Poll: poll, Logger: tail.DiscardingLogger}
	if at, ok := stored(state); ok {
		cfg.Location = &tail.SeekInfo{Offset: at, Whence: io.SeekStart}
	}
	t, err := tail.TailFile(path, cfg)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	tick := time.NewTicker(50 * time.Millisecond)
	for {
		select {
		case line, ok := <-t.Lines:
			if !ok {
				return out.Flush()
			}
			if _, err := out.WriteString(line.Text + "\n"); err != nil {
				return err
			}
		case <-tick.C:
			if err := out.Flush(); err != nil {
				return err
			}
			if at, err := t.Tell(); err == nil && state != "" {
				store(state, at)
			}
		}
	}
}

func stored(path string) (at int64, ok bool) {
	text, err := os.ReadFile(path)
	return at, err == nil && json.Unmarshal(text, &at) == nil
}

func store(path string, at int64) {
	if os.WriteFile(path+".new", fmt.Append(nil, at), 0o600) == nil {
		_ = os.Rename(path+".new", path) // the next one will do
	}
}
