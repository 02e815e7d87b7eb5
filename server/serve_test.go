package server_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"sutler/server"
)

// TestServe ends a server that is idle, one whose request ends in time, and
// one whose request does not.
func TestServe(t *testing.T) {
	for _, c := range []struct {
		name    string
		running bool          // a request is inside when the server is told to end
		leaves  bool          // and it ends after that
		grace   time.Duration // for it
		fails   bool
	}{
		{"idle", false, false, time.Minute, false},
		{"in time", true, true, time.Minute, false},
		{"too long", true, false, time.Millisecond, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inside, leave := make(chan struct{}), make(chan struct{})
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(inside)
				<-leave
				io.WriteString(w, "done")
			})
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithCancel(t.Context())
			ended, answer := make(chan error, 1), make(chan string, 1)
			go func() { ended <- server.Serve(ctx, ln, h, c.grace, slog.New(slog.DiscardHandler)) }()
			if c.running {
				go func() {
					res, err := http.Get("http://" + ln.Addr().String())
					if err != nil {
						answer <- ""
						return
					}
					b, _ := io.ReadAll(res.Body)
					res.Body.Close()
					answer <- string(b)
				}()
				<-inside
			}
			end()
			if c.leaves {
				close(leave)
			}
			if err := <-ended; (err != nil) != c.fails {
				t.Errorf("Serve = %v, want an error: %v", err, c.fails)
			}
			if c.running {
				if got := <-answer; (got == "done") != c.leaves {
					t.Errorf("the request got %q", got)
				}
			}
			if !c.leaves {
				close(leave)
			}
			if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
				t.Error("the door is still open")
			}
		})
	}
}
