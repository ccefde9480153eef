// Command corpus writes the logs that the benchmarks read, and the truth of
// what is in them.
//
//	corpus -kind gateway -mb 200 -seed 1 -truth truth.json > gateway.log
//
// The promise: the same flags give the same bytes; every secret in the output
// is in the truth file, which is a JSON object {"secrets": [value, …]}; all are
// random and belong to nobody. Kinds: gateway (all forms of LiteLLM's lines,
// prompts that speak of keys and passwords), json (plain JSON lines, few
// secrets), clean (gateway without secrets), hostile (every keyword, runs,
// nested encodings, invalid UTF-8).
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
)

func main() {
	kind := flag.String("kind", "gateway", "gateway, json, clean or hostile")
	mb := flag.Int64("mb", 10, "size in millions of bytes")
	seed := flag.Uint64("seed", 1, "of the random numbers")
	every := flag.Int("every", 100, "a secret in one of so many lines")
	truth := flag.String("truth", "", "file for the secrets that are in the log")
	flag.Parse()
	if err := run(*kind, *mb*1e6, *seed, *every, *truth); err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
}

func run(kind string, size int64, seed uint64, every int, truth string) error {
	g := &generator{r: rand.New(rand.NewPCG(seed, 7)), every: every}
	forms, ok := kinds[kind]
	if !ok {
		return fmt.Errorf("kind %q: want gateway, json, clean or hostile", kind)
	}
	if kind == "clean" || kind == "hostile" {
		g.every = 0
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	for written := int64(0); written < size; {
		n, err := out.WriteString(forms[g.r.IntN(len(forms))](g))
		if err != nil {
			return err
		}
		written += int64(n)
	}
	if err := out.Flush(); err != nil || truth == "" {
		return err
	}
	text, err := json.Marshal(map[string][]string{"secrets": g.secrets})
	if err != nil {
		return err
	}
	return os.WriteFile(truth, text, 0o600)
}
