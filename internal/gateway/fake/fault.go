package fake

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// Fault is how a gateway or one replica misbehaves; the zero value behaves.
type Fault struct {
	Down     bool          // the connection ends without an answer
	Delay    time.Duration // before each answer
	Status   int           // this status with an error body of LiteLLM's shape
	Body     string        // with 200, instead of an answer
	HTML     bool          // a web page with 200
	Location string        // a redirect to there
	Cut      int           // end the connection after that many bytes of the body
	Flood    int64         // that many bytes of blank in front of the answer
}

// SetFault makes the balancer misbehave, and with it the whole gateway as its
// clients see it; replicas asked directly do not.
func (g *Gateway) SetFault(f Fault) { g.fault.Store(&f) }

// SetFault makes this replica misbehave.
func (r *Replica) SetFault(f Fault) { r.fault.Store(&f) }

// before does what the fault says and reports whether to go on.
func (f *Fault) before(w http.ResponseWriter, r *http.Request) (goOn bool) {
	wait(r.Context(), f.Delay)
	switch {
	case f.Down:
		hangUp(w)
	case f.Location != "":
		w.Header().Set("Location", f.Location)
		w.WriteHeader(http.StatusFound)
	case f.HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works!</body></html>")
	case f.Status != 0:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.Status)
		// Repeats the credential, as 1.81.0 does with what it does not like.
		fmt.Fprintf(w, `{"error":{"message":"Authentication Error, Received=%s","type":"auth_error","param":"None","code":"%d"}}`,
			r.Header.Get("Authorization"), f.Status)
	case f.Body != "":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, f.Body)
	case f.Cut > 0:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(f.Cut+1))
		_, _ = io.WriteString(w, `{"keys":[`+string(make([]byte, max(0, f.Cut-9))))
		hangUp(w)
	case f.Flood > 0:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.CopyN(w, blanks{}, f.Flood)
		return true
	default:
		return true
	}
	return false
}

// hangUp ends the connection in the middle, without an answer that is whole.
func hangUp(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.Flush()
	conn, _, err := control.Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// blanks reads as spaces without end.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// statusWriter remembers what was answered, for the access log.
type statusWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
