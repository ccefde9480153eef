//go:build unix

package main

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
)

// An HTTP library that meets more than the answer it waited for prints that; the
// program prints nothing of it, for it may hold a key.
func TestUnaskedAnswersAreNotPrinted(t *testing.T) {
	const secret = "sk-unasked-0123456789abcdef"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // the test has ended
			}
			go answerTwice(c, secret)
		}
	}()
	cmd := ownProcess(t, "gate", "--gateway", "http://"+l.Addr().String(), "--only", "1d,1g,1j,1k,3c")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if out.Len() == 0 || strings.Contains(out.String(), "Unsolicited") || strings.Contains(out.String(), secret) {
		t.Errorf("%v: %s", err, out.String())
	}
}

// answerTwice says of each request that LiteLLM is alive, and then once more.
func answerTwice(c net.Conn, secret string) {
	defer c.Close()
	buffer := make([]byte, 4096)
	for {
		if _, err := c.Read(buffer); err != nil {
			return
		}
		answer := func(body string) string {
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
		if _, err := c.Write([]byte(answer(`"I'm alive!"`) + answer(secret))); err != nil {
			return
		}
	}
}
