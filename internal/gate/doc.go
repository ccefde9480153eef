// Package gate finds out whether an LLM gateway keeps its promises.
//
// A Check is a value: what it is called, what it needs, what it sends, and a
// function that comes to a verdict. Run takes a list of them (package checks
// has ours), runs those that do not depend on each other in parallel, and
// returns a Report, which package report writes in the forms that people and
// machines read.
//
// The promise: every check ends with a verdict, within Config.Timeout, whatever
// the gateway does; a verdict of pass means that the thing was seen, never that
// nothing was seen; what could not be found out is inconclusive and says what
// was missing. Everything a run makes at the gateway is named
// sluice-gate-<run>, lives an hour at most, and is removed when the run ends,
// fails or is stopped; Clean removes what a killed run left. No key stands in a
// report: Scrubber knows every key of the run and is the last thing that text
// passes through.
//
// The limits: the checks speak LiteLLM's admin API, as measured on 1.81.0 and
// 1.106.2. Rows that the gateway keeps of requests (its spend logs, its table
// of deleted keys) are its own and stay.
package gate
