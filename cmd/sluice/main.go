// Command sluice finds, reports and takes out secrets in what an LLM gateway
// prints, and checks that the gateway keeps its promises.
package main

import "os"

func main() {
	a := process()
	a.alone = true
	os.Exit(run(os.Args[1:], a))
}
