package file_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/provider/file"
)

// Whatever comes from a helper is read within the limit, and what is read is
// written and read again as the same.
func FuzzMessage(f *testing.F) {
	const most = 1 << 16
	for _, m := range []file.FromHelper{
		{Ready: true}, {Call: 7, Flush: true, Rollback: []sutler.Pair{pair("toName", "x"), pair("id", `1:2<>&"`)}}, {Call: 7, Done: true, Output: "<result/>"},
	} {
		b, err := file.Encode(m, most)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-2])
	}
	f.Add([]byte("\xff\xff\xff\xff{}"))
	f.Add([]byte("\x00\x00\x00\x02{}more"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again file.FromHelper
		r := bytes.NewReader(b)
		if err := file.Decode(r, &m, most); err != nil {
			if len(b) == 0 && !errors.Is(err, io.EOF) {
				t.Errorf("Decode of nothing = %v", err)
			}
			return
		}
		if used := len(b) - r.Len(); used != 4+int(b[0])<<24+int(b[1])<<16+int(b[2])<<8+int(b[3]) {
			t.Errorf("Decode has read %d bytes of %q", used, b)
		}
		out, err := file.Encode(m, 8*most)
		if err != nil {
			t.Fatal(err)
		}
		if err := file.Decode(bytes.NewReader(out), &again, 8*most); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m, again); d != "" {
			t.Errorf("it changed on the way: %s", d)
		}
	})
}

// The messages have exactly the size that is the limit, and no more.
func TestMessageSize(t *testing.T) {
	m := file.FromHelper{Call: 1, Done: true, Output: strings.Repeat("é", 100)}
	b, err := file.Encode(m, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	size := len(b) - 4
	var got file.FromHelper
	_, errExact := file.Encode(m, size)
	if err := errors.Join(errExact, file.Decode(bytes.NewReader(b), &got, size)); err != nil {
		t.Errorf("with a limit of just its size: %v", err)
	}
	_, errLess := file.Encode(m, size-1)
	for what, err := range map[string]error{"Encode": errLess, "Decode": file.Decode(bytes.NewReader(b), &got, size-1)} {
		if sutler.CodeOf(err) != sutler.LimitReached {
			t.Errorf("%s with a limit of one byte less = %v", what, err)
		}
	}
}

// A helper that nobody speaks to properly says so and ends.
func TestHelperWithoutEngine(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{"", "sutler\n", "\x00\x00\x00\x02{}", "\x00\x00\x00\x02[]"} {
		cmd := exec.Command(program, file.HelperArgument)
		cmd.Stdin = strings.NewReader(in)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "this is for the engine") && !strings.Contains(string(out), "on Windows") {
			t.Errorf("a helper with %q says %q, %v", in, out, err)
		}
	}
}

// FuzzOptions reads mappings of accounts.
func FuzzOptions(f *testing.F) {
	f.Add(`{"accounts": {"corp\\ann": "ann", "bob": "1002:1002"}, "service": "sutler"}`)
	f.Add(`{}`)
	f.Add(`{"account": {}}`)
	f.Add(`{} {}`)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := file.ParseOptions([]byte(text))
		if err != nil {
			return
		}
		again, err := json.Marshal(map[string]any{"accounts": o.Accounts, "service": o.Service})
		if err != nil {
			t.Fatal(err)
		}
		o2, err := file.ParseOptions(again)
		if d := cmp.Diff(o, o2); err != nil || d != "" {
			t.Errorf("%q is read otherwise when it is written anew: %v, %s", text, err, d)
		}
	})
}

func TestReadOptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file-accounts.json")
	if o, err := file.ReadOptions(path); err != nil || o.Accounts != nil || o.Service != "" {
		t.Errorf("ReadOptions without a file = %v, %v", o, err)
	}
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	const good = `{"accounts": {"corp\\ann": "ann"}, "service": "7:8"}`
	write(good, 0o644)
	o, err := file.ReadOptions(path)
	want := file.Options{Accounts: map[string]string{`corp\ann`: "ann"}, Service: "7:8", Setting: path}
	if d := cmp.Diff(want, o); err != nil || d != "" {
		t.Errorf("ReadOptions = %v, %s", err, d)
	}
	for _, c := range []struct {
		text string
		mode os.FileMode
		want string
	}{
		{good, 0o660, "others may write it (mode 0660)"}, {good, 0o602, "others may write it"},
		{`{"acounts": {}}`, 0o600, `unknown field "acounts"`}, {good + "{}", 0o600, "behind the object"}, {"", 0o600, "want {"},
		{`{"accounts": {"ann": 12345}}`, 0o600, "want {"}, {good + strings.Repeat(" ", 1<<20), 0o600, "more than 1048576 bytes"},
	} {
		if os.PathSeparator != '/' && c.mode != 0o600 {
			continue
		}
		write(c.text, c.mode)
		_, err := file.ReadOptions(path)
		if sutler.CodeOf(err) != sutler.BadInput || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("ReadOptions of %.40q = %v, want %s", c.text, err, c.want)
		}
	}
	if os.Geteuid() == 0 {
		write(good, 0o600)
		if err := os.Chown(path, 412345, 412345); err != nil {
			t.Fatal(err)
		}
		if _, err := file.ReadOptions(path); err == nil || !strings.Contains(err.Error(), "belongs to uid 412345") {
			t.Errorf("ReadOptions of somebody else's file = %v", err)
		}
	}
	if _, err := file.ReadOptions(t.TempDir()); err == nil {
		t.Error("ReadOptions reads a folder")
	}
}
