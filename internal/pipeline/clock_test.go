package pipeline

import "time"

// afterHold fires once a quiet stream must have been let go; inside synctest
// the clock is a fake.
func afterHold() <-chan time.Time { return time.After(DefaultHoldFor) }
