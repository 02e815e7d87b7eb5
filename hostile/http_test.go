//go:build linux

package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// wait is how long a connection may stay open before it counts as never ended.
const wait = 20 * time.Second

// rawRequest makes the bytes of a request of the entries head and body: the
// lines of the head end with CR LF, if they do not yet, and "Content-Length:
// auto" is that of the body. The entry bytes is sent as it is instead.
func rawRequest(files map[string][]byte) []byte {
	if raw, ok := files["bytes"]; ok {
		return raw
	}
	head := strings.ReplaceAll(strings.ReplaceAll(string(files["head"]), "\r\n", "\n"), "\n", "\r\n")
	head = strings.Replace(head, "Content-Length: auto", "Content-Length: "+strconv.Itoa(len(files["body"])), 1)
	return append([]byte(head+"\r\n\r\n"), files["body"]...)
}

func httpDoor(w *world, _ *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	h, err := w.open()
	if err != nil {
		return nil, err
	}
	raw := rawRequest(files)
	return func(said *bytes.Buffer) string {
		c, err := net.Dial("tcp", h.address)
		if err != nil {
			return verdictOf(said, err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(wait))
		written := make(chan struct{})
		go func() {
			defer close(written)
			_, _ = c.Write(raw)
		}()
		verdict := answers(said, c)
		c.Close()
		<-written
		return verdict
	}, nil
}

// answers reads the answers on c until it ends and returns the verdict: the
// status of each and the name of its error.
func answers(said *bytes.Buffer, c net.Conn) string {
	all, readErr := io.ReadAll(c)
	said.Write(all)
	var timeout net.Error
	if errors.As(readErr, &timeout) && timeout.Timeout() {
		return "the connection was never ended"
	}
	var verdicts []string
	good := true
	for in := bufio.NewReader(bytes.NewReader(all)); ; {
		if _, err := in.Peek(1); err != nil {
			break
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return fmt.Sprintf("an answer that is none: %v", err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return fmt.Sprintf("an answer that was cut: %v", err)
		}
		for name := range res.Header {
			if strings.HasPrefix(name, "X-Injected") {
				return "a header was injected"
			}
		}
		verdict := strings.TrimSpace(strconv.Itoa(res.StatusCode) + " " + errorName(body))
		good = good && verdict == "200"
		verdicts = append(verdicts, verdict)
	}
	switch {
	case len(verdicts) == 0:
		return "refused closed"
	case good:
		return "accepted"
	}
	return "refused " + strings.Join(verdicts, ", ")
}

// errorName returns what the body of an answer says that went wrong.
func errorName(body []byte) string {
	var e struct {
		Error *struct {
			Name string `json:"name"`
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil || e.Error == nil {
		return ""
	}
	if e.Error.Name == "" {
		return e.Error.Code
	}
	return e.Error.Name
}

// slowDoor plays the entry script to the server in a hurry; see play. The
// server must end the connection.
func slowDoor(w *world, _ *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	h, err := w.open()
	if err != nil {
		return nil, err
	}
	return func(said *bytes.Buffer) string {
		c, err := net.Dial("tcp", h.slow)
		if err != nil {
			return verdictOf(said, err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(wait))
		script := string(files["script"])
		if strings.HasPrefix(script, "deaf\n") {
			return play(said, c, strings.TrimPrefix(script, "deaf\n"), nil)
		}
		ended, verdict := make(chan struct{}), ""
		go func() {
			defer close(ended)
			verdict = answers(said, c)
		}()
		var talk bytes.Buffer
		if v := play(&talk, c, script, ended); v != "refused closed" {
			return v
		}
		<-ended
		return verdict
	}, nil
}

// beat is the time between two pieces of what drips.
const beat = 5 * time.Millisecond

// play does what the lines of script say:
//
//	send TEXT    sends the text, a string of Go; a number before it says how often
//	drip TEXT    sends the text again and again, with a beat after each byte
//	flood TEXT   sends the text again and again, as fast as it is taken
//
// and nothing after that. A script that begins with the line deaf reads no
// answers. It returns when the connection has ended, or after the script.
func play(said *bytes.Buffer, c net.Conn, script string, ended <-chan struct{}) string {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	send := func(b []byte) string {
		_, err := c.Write(b)
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return "the connection was never ended"
		case err != nil:
			fmt.Fprintln(said, err)
			return "refused closed"
		}
		return ""
	}
	for line := range strings.SplitSeq(script, "\n") {
		verb, rest, _ := strings.Cut(line, " ")
		text, err := unquoted(rest)
		if err != nil {
			return fmt.Sprintf("a script that cannot be read: %v", err)
		}
		if verb == "send" {
			if v := send(text); v != "" {
				return v
			}
			continue
		}
		pieces := [][]byte{text}
		if verb == "drip" {
			pieces = bytes.SplitAfter(text, nil)
		}
		for i := 0; ; i++ {
			if verb == "drip" {
				select {
				case <-ended:
					return "refused closed"
				case <-tick.C:
				}
			}
			if v := send(pieces[i%len(pieces)]); v != "" {
				return v
			}
		}
	}
	if ended == nil { // deaf: whether it has ended is known when reading what was never read
		_, _ = io.Copy(io.Discard, c)
	}
	return "refused closed"
}
