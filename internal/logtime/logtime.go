// Package logtime reads the time that a log line gives itself.
//
// The promise: it looks at the head of a line only, costs the same for a line
// of any length, and says nothing rather than guess: a time of day without a
// date, as LiteLLM's plain lines have it, is no time.
//
// The limits: a stamp without a zone is taken as UTC, which containers use. Known
// are RFC 3339 with its everyday variants ("2026-01-21T09:14:03.120Z",
// "2026-01-21 09:14:03,120", also behind a JSON field's name or a bracket) and
// the access-log form of nginx and Apache ("[21/Jan/2026:09:14:03 +0000]").
package logtime

import (
	"bytes"
	"time"
)

// window is how much of a line is looked at, in bytes: a stamp stands at the
// head, or in one of the first fields of a JSON object.
const window = 512

// Parse returns the first time that stands in the head of a line. Each has a clock,
// of whose two colons lines have few: from them it is looked back to where it begins.
func Parse(line []byte) (time.Time, bool) {
	head := line[:min(len(line), window)]
	for at := accessClock; at < len(head); at++ {
		i := bytes.IndexByte(head[at:], ':')
		if i < 0 {
			break
		}
		at += i
		if at+3 >= len(head) || head[at+3] != ':' {
			continue
		}
		if t, ok := iso(begins(head, at-isoClock)); ok {
			return t, true
		}
		if t, ok := access(begins(head, at-accessClock)); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

// Where the first colon of a clock is in each form; of access it stands before the
// hours.
const (
	isoClock    = len("2006-01-02T15")
	accessClock = len("02/Jan/2006")
)

// begins is head from i, if a number begins there.
func begins(head []byte, i int) []byte {
	if i < 0 || !isDigit(head[i]) || i > 0 && isDigit(head[i-1]) {
		return nil
	}
	return head[i:]
}

// iso reads YYYY-MM-DD, "T" or a blank, HH:MM:SS, a fraction behind "." or ",",
// and a zone.
func iso(s []byte) (time.Time, bool) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || (s[10] != 'T' && s[10] != ' ') {
		return time.Time{}, false
	}
	year, ok1 := number(s[0:4])
	month, ok2 := number(s[5:7])
	day, ok3 := number(s[8:10])
	if !ok1 || !ok2 || !ok3 {
		return time.Time{}, false
	}
	clock, ok := clockOf(s[11:])
	if !ok {
		return time.Time{}, false
	}
	rest := s[19:]
	nanos, rest := fraction(rest)
	zone := zoneOf(rest)
	return date(year, month, day, clock, nanos, zone)
}

var months = []byte("JanFebMarAprMayJunJulAugSepOctNovDec")

// access reads DD/Mon/YYYY:HH:MM:SS +ZZZZ.
func access(s []byte) (time.Time, bool) {
	if len(s) < 20 || s[2] != '/' || s[6] != '/' || s[11] != ':' {
		return time.Time{}, false
	}
	day, ok1 := number(s[0:2])
	year, ok2 := number(s[7:11])
	month := bytes.Index(months, s[3:6])
	clock, ok3 := clockOf(s[12:])
	if !ok1 || !ok2 || !ok3 || month < 0 || month%3 != 0 {
		return time.Time{}, false
	}
	return date(year, month/3+1, day, clock, 0, zoneOf(bytes.TrimPrefix(s[20:], []byte(" "))))
}

// date refuses days and hours that do not exist.
func date(year, month, day int, clock [3]int, nanos int, zone *time.Location) (time.Time, bool) {
	t := time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], nanos, zone)
	if t.Day() != day || int(t.Month()) != month || t.Hour() != clock[0] || year < 1970 {
		return time.Time{}, false
	}
	return t.UTC(), true
}

func clockOf(s []byte) (c [3]int, ok bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return c, false
	}
	for i := range c {
		if c[i], ok = number(s[3*i : 3*i+2]); !ok {
			return c, false
		}
	}
	return c, c[0] < 24 && c[1] < 60 && c[2] < 60
}

func fraction(s []byte) (nanos int, rest []byte) {
	if len(s) < 2 || (s[0] != '.' && s[0] != ',') || !isDigit(s[1]) {
		return 0, s
	}
	scale := 100_000_000
	i := 1
	for ; i < len(s) && isDigit(s[i]); i++ {
		nanos += int(s[i]-'0') * scale
		scale /= 10
	}
	return nanos, s[i:]
}

// zoneOf reads Z, +HH:MM or +HHMM; UTC if there is none.
func zoneOf(s []byte) *time.Location {
	if len(s) < 5 || (s[0] != '+' && s[0] != '-') {
		return time.UTC
	}
	hours, ok := number(s[1:3])
	tail := s[3:]
	if tail[0] == ':' {
		tail = tail[1:]
	}
	if len(tail) < 2 {
		return time.UTC
	}
	minutes, ok2 := number(tail[:2])
	if !ok || !ok2 || hours > 14 || minutes > 59 {
		return time.UTC
	}
	offset := hours*3600 + minutes*60
	if s[0] == '-' {
		offset = -offset
	}
	return time.FixedZone("", offset)
}

func number(s []byte) (n int, ok bool) {
	for _, c := range s {
		if !isDigit(c) {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
