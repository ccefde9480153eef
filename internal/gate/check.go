package gate

import (
	"context"
	"time"

	"sluice/internal/record"
)

// Verdict is what a check came to.
type Verdict string

// The verdicts. Inconclusive says what is missing, Skipped says why, Waived is
// a failure that the configuration accepts for a while.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
	Skipped      Verdict = "skipped"
	Waived       Verdict = "waived"
)

// Needs is a set of things that a check cannot do without.
type Needs uint16

// The needs. A check whose needs are not met is not run.
const (
	NeedMaster   Needs = 1 << iota // the master key
	NeedModel                      // a model to send chats to
	NeedModels                     // a second model
	NeedReplica1                   // one replica named
	NeedReplicas                   // two replicas named
	NeedLogs                       // the logs of the gateway
	NeedProvider                   // the built-in provider, in use by the gateway
)

// Aspect says which of the two scores a check counts in.
type Aspect string

// The aspects.
const (
	Security    Aspect = "security"
	Operational Aspect = "operational"
)

// System is a heading of the report.
type System struct{ ID, Number, Title string }

// Systems lists them in the order of the report.
var systems = []System{
	{"master-key", "1", "Master Key Enforcement"},
	{"virtual-keys", "2", "Virtual Keys / API Keys"},
	{"budgets", "3", "Budgets / Rate Limits"},
	{"team-isolation", "4", "Team Isolation"},
	{"log-redaction", "5", "Log Redaction"},
	{"ha-consistency", "6", "HA Consistency"},
	{"revocation", "7", "Revocation Across Replicas"},
	{"exposure", "8", "What the Gateway Tells Strangers"},
}

// Systems returns the headings in the order of the report.
func Systems() []System { return append([]System(nil), systems...) }

// Check is one promise of a gateway and the way to test it.
type Check struct {
	ID, System, Title string
	Needs             Needs
	Safe              bool            // creates nothing, changes nothing, costs nothing
	Core              bool            // one of the seventeen of the original report
	Thorough          bool            // only with Config.Thorough
	Last              bool            // reads what the others left in the logs: runs behind all of them
	Slow              bool            // waits for caches or spend: started first
	Severity          record.Severity // of its failure
	Aspect            Aspect
	Control           string // row of the coverage table that it belongs to
	Verified          string // what a pass has verified, as a sentence
	Remedy            string // what to do about a failure
	// Sends announces the requests, "METHOD PATH" with {references}: what
	// --dry-run lists. A test holds the checks to it.
	Sends []string
	// Curl is the same check by hand, in bash, for the prelude of package
	// report; it has references too and never a key.
	Curl func(Plan) string
	Run  func(ctx context.Context, env *Env) Result
}

// Plan is what is known of a run before anything is sent.
type Plan struct {
	Run      string
	Gateway  string
	Replicas []string
	Model    string // "" until the gateway was asked
	Other    string // another model, "" if there is none
	Logs     []string
	// ProviderAddress is where the built-in provider listens, "" if it does not.
	ProviderAddress string
	Thorough        bool
	Safe            bool
	Only, Skip      []string      // as the user named them
	Timeout         time.Duration // of the whole run
	// MaxRevocation is how long a revoked key may still work somewhere.
	MaxRevocation time.Duration
	// SpendDeadline is how long spend may take to reach the database.
	SpendDeadline time.Duration
}

// Result is what Check.Run returns.
type Result struct {
	Verdict  Verdict
	Evidence string // one or more sentences: what was seen
	// Provider is the provider's failure, where authentication passed and the
	// provider behind the gateway then refused or failed.
	Provider string
}

// Outcome is a check with its result, as reported.
type Outcome struct {
	Check
	Result
	Took   time.Duration
	Waiver *Waiver // the waiver that applied, or one that has expired
}

// Passed, Failed and Unknown make results.
func Passed(evidence string) Result { return Result{Verdict: Pass, Evidence: evidence} }

// Failed is a promise that was seen broken.
func Failed(evidence string) Result { return Result{Verdict: Fail, Evidence: evidence} }

// Unknown is an inconclusive result; missing says what would settle it.
func Unknown(missing string) Result { return Result{Verdict: Inconclusive, Evidence: missing} }

// Skip is a check that does not apply here.
func Skip(why string) Result { return Result{Verdict: Skipped, Evidence: why} }
