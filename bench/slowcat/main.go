// Slowcat prints files line by line at a pace, as a process would have logged
// them: slowcat -pace 200us FILE...
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	pace := flag.Duration("pace", 0, "time for a line; 0: as fast as they go")
	flag.Parse()
	for _, path := range flag.Args() {
		if err := print(path, *pace); err != nil {
			fmt.Fprintln(os.Stderr, "slowcat:", err)
			os.Exit(1)
		}
	}
}

func print(path string, pace time.Duration) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	begin, lines := time.Now(), 0
	for r := bufio.NewReaderSize(f, 1<<20); ; lines++ {
		line, err := r.ReadBytes('\n')
		if _, err := os.Stdout.Write(line); err != nil {
			return err
		}
		if err != nil {
			return nil // the end of the file
		}
		time.Sleep(time.Until(begin.Add(time.Duration(lines) * pace)))
	}
}
