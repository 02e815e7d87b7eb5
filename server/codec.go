package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sutler"
)

// The times a slow or dead peer may take: for a body, wanted or not, and for
// an answer. The time of a request itself is bounded by the engine's limits, not
// here.
const (
	readTime  = time.Minute
	writeTime = time.Minute
)

// busyAfter is what Retry-After tells a caller to wait, in seconds.
const busyAfter = "1"

// route fills the mux from the table: one handler for each line, one for the
// other methods of its path, one for all other paths.
func (d *door) route() {
	methods := map[string][]string{}
	for _, op := range operations {
		methods[op.path] = append(methods[op.path], op.method)
		d.mux.HandleFunc(op.method+" "+op.path, func(w http.ResponseWriter, r *http.Request) { d.serve(w, r, op, callerOf(r)) })
	}
	for path, allowed := range methods {
		if slices.Contains(allowed, http.MethodGet) {
			allowed = append(allowed, http.MethodHead)
		}
		d.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			d.refuse(w, sutler.Errorf(sutler.BadInput, "cannot use %s on %s: it takes %s", r.Method, r.URL.Path, strings.Join(allowed, ", ")), http.StatusMethodNotAllowed)
		})
	}
	d.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.refuse(w, sutler.Errorf(sutler.NotFound, "cannot answer for %q: there is nothing at this path", r.URL.Path), http.StatusNotFound)
	})
}

// serve carries out one operation: checks what came, calls it, writes the answer.
func (d *door) serve(w http.ResponseWriter, r *http.Request, op operation, caller sutler.Caller) {
	start := time.Now()
	rc := http.NewResponseController(w)
	if r.ContentLength == 0 {
		_ = rc.SetReadDeadline(time.Time{}) // there is no body to wait for, see Serve
	}
	if err := checkQuery(r.URL.RawQuery, op); err != nil {
		d.refuse(w, err, http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		if err := jsonOnly(r); err != nil {
			d.refuse(w, err, http.StatusUnsupportedMediaType)
			return
		}
		if r.ContentLength > d.bodyLimit() {
			d.refuseBody(w, &http.MaxBytesError{Limit: d.bodyLimit()})
			return
		}
		// The deadline is for the body alone: left in place it would cut the
		// connection, and with it the request, in the middle of a long transaction.
		_ = rc.SetWriteDeadline(time.Time{}) // of the answer before on this connection
		_ = rc.SetReadDeadline(time.Now().Add(readTime))
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, d.bodyLimit()))
		if err != nil {
			d.refuseBody(w, err)
			return
		}
		if !utf8.Valid(body) { // the decoder would put U+FFFD in its place
			d.refuseBody(w, errors.New("it is not valid UTF-8"))
			return
		}
		_ = rc.SetReadDeadline(time.Time{})
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	v := &visit{door: d, caller: caller}
	var a answer
	err := v.refusal(r, op)
	if err == nil {
		a, err = op.do(v, r)
	}
	if err != nil {
		d.refuse(w, err, statusOf(sutler.CodeOf(err)))
		return
	}
	d.write(w, a)
	d.Logger.Info("served", "account", caller.Account, "method", r.Method, "path", r.URL.Path, "status", a.status, "took", time.Since(start).Round(time.Microsecond))
}

// checkQuery refuses what the methods of url.URL would leave out without a
// word: parameters that cannot be read, that op does not have, and second ones.
func checkQuery(raw string, op operation) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return sutler.Errorf(sutler.BadInput, "cannot read the parameters %q: %w; write name=value with & between them", raw, err)
	}
	for name, values := range query {
		if !slices.Contains(op.query, name) {
			return sutler.Errorf(sutler.BadInput, "cannot use parameter %q: %s has none of that name", name, op.path)
		}
		if len(values) > 1 {
			return sutler.Errorf(sutler.BadInput, "cannot use parameter %q: it is there %d times", name, len(values))
		}
	}
	return nil
}

func (d *door) bodyLimit() int64 { return 2*d.Limits.RequestBytes + 64<<10 }

func (d *door) refuseBody(w http.ResponseWriter, err error) {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		d.refuse(w, sutler.Errorf(sutler.LimitReached, "cannot read the body: it has more than %d bytes, twice the limit limit.requestBytes", tooLong.Limit), http.StatusRequestEntityTooLarge)
		return
	}
	d.refuse(w, sutler.Errorf(sutler.BadInput, "cannot read the body: %w", err), http.StatusBadRequest)
}

// jsonOnly refuses every content type but application/json: the others can be
// sent by a form or a page without the browser asking first.
func jsonOnly(r *http.Request) error {
	kind := r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(kind)
	if err != nil || media != "application/json" {
		return sutler.Errorf(sutler.BadInput, "cannot read content type %q: want application/json", kind)
	}
	if set, ok := params["charset"]; ok && !strings.EqualFold(set, "utf-8") {
		return sutler.Errorf(sutler.BadInput, "cannot read charset %q: JSON is UTF-8", set)
	}
	return nil
}

// decode reads the body of r into v: one JSON value without unknown fields.
func decode(r *http.Request, v any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return sutler.Errorf(sutler.BadInput, "cannot read the body as JSON: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); err != io.EOF {
		return sutler.Errorf(sutler.BadInput, "cannot read the body as JSON: something follows the first value")
	}
	return nil
}

// refuse answers with an error and notes it in the log.
func (d *door) refuse(w http.ResponseWriter, err error, status int) {
	e := sutler.AsError(err)
	d.Logger.Info("refused", "status", status, "code", e.Code, "err", e)
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", busyAfter)
	}
	d.write(w, answer{status, struct {
		Error *sutler.Error `json:"error"`
	}{e}})
}

// write sends a as JSON. An answer that cannot be sent is the peer's loss and noted.
func (d *door) write(w http.ResponseWriter, a answer) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.body); err != nil {
		d.Logger.Error("cannot encode an answer", "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(a.status)
	if _, err := w.Write(b.Bytes()); err != nil {
		d.Logger.Info("cannot send an answer", "err", err)
	}
}

// statusOf returns the HTTP status for an error of code c.
func statusOf(c sutler.Code) int {
	switch c {
	case sutler.OK:
		return http.StatusOK
	case sutler.Denied:
		return http.StatusForbidden
	case sutler.NotFound, sutler.NoSuchFile:
		return http.StatusNotFound
	case sutler.Exists, sutler.NotEmpty, sutler.Conflict, sutler.ReadOnlyName, sutler.Duplicate:
		return http.StatusConflict
	case sutler.Busy:
		return http.StatusTooManyRequests
	case sutler.Stopping, sutler.LogRefused, sutler.LogFailed, sutler.NoAudit, sutler.Inactive, sutler.AccessUnknown:
		return http.StatusServiceUnavailable
	case sutler.BadInput, sutler.BadRequest:
		return http.StatusBadRequest
	case sutler.BadNamespace, sutler.NullSource, sutler.BadTarget, sutler.TransformErr, sutler.PathErr,
		sutler.NoProvider, sutler.LimitReached, sutler.OutsideRoot, sutler.Cancelled:
		return http.StatusUnprocessableEntity
	case sutler.TimedOut:
		return http.StatusGatewayTimeout
	case sutler.NotYet:
		return http.StatusNotImplemented
	default:
		return http.StatusInternalServerError
	}
}

// limitOf reads the parameter limit; "" is the monitor's default.
func limitOf(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1000 {
		return 0, sutler.Errorf(sutler.BadInput, "cannot use limit %q: want a number from 1 to 1000", s)
	}
	return n, nil
}
