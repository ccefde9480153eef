// Printer is what the containers of the tests run: it prints numbered lines.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	lines := flag.Int("lines", 10, "how many")
	width := flag.Int("width", 80, "bytes of a line behind its number")
	wide := flag.Int("wide", 0, "bytes of every tenth line; 0: like the others")
	pace := flag.Duration("pace", 0, "time for a line; 0: as fast as they go")
	both := flag.Bool("both", false, "odd lines to standard error")
	unended := flag.Bool("unended", false, "without a line end at the end")
	say := flag.String("say", "", "a line to print at the end")
	stamp := flag.Bool("stamp", false, "the time of the start before each number, so that no two runs print one line")
	flag.Parse()
	out, err := bufio.NewWriterSize(os.Stdout, 64<<10), bufio.NewWriterSize(os.Stderr, 64<<10)
	begin, run := time.Now(), ""
	if *stamp {
		run = fmt.Sprint(begin.UnixNano(), " ")
	}
	for i := range *lines {
		w, n := out, *width
		if *both && i%2 == 1 {
			w = err
		}
		if *wide > 0 && i%10 == 0 {
			n = *wide
		}
		fmt.Fprintf(w, "%s%d %s", run, i, strings.Repeat("x", n))
		if i < *lines-1 || !*unended {
			_ = w.WriteByte('\n')
		}
		if *pace > 0 {
			_ = w.Flush()
			if ahead := time.Until(begin.Add(time.Duration(i) * *pace)); ahead > time.Millisecond {
				time.Sleep(ahead)
			}
		}
	}
	if *say != "" {
		fmt.Fprintln(out, *say)
	}
	_ = out.Flush()
	_ = err.Flush()
}
