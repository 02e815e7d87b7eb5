package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sutler/client"
	"sutler/samples"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sutler": main})
}

// TestScripts runs the program as a user does. The scripts find the files of
// samples in $SAMPLES.
func TestScripts(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, samples.Files); err != nil {
		t.Fatal(err)
	}
	outside := new(web) // of the one script that asks for it
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SAMPLES", dir)
			e.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "ready": ready, "appears": appears, "tree": writeTree, "transactionid": transactionid, "keptfolder": keptFolder,
			"eventually": eventually, "tamper": tamper, "address": addressOf, "clientcert": clientCertificates,
			"issuer": outside.issuer, "robot": outside.robot, "freeport": outside.freePort, "browse": outside.browse, "expand": expand,
		},
	})
}

// exits CODE COMMAND... runs a command that must end with this exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// eventually REGEXP COMMAND... runs a command again and again until what it
// prints matches.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	until(ts, args[0], func() bool {
		_ = ts.Exec(args[1], args[2:]...)
		return want.MatchString(ts.ReadFile("stdout")) || want.MatchString(ts.ReadFile("stderr"))
	})
}

// tamper FILE changes a byte in a row of the log in a SQLite database.
func tamper(ts *testscript.TestScript, neg bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec("UPDATE log SET records = CAST(substr(records, 1, 20) || x'AA' || substr(records, 22) AS BLOB) WHERE sequence = (1 << 40) + 2")
	ts.Check(err)
}

// until asks again and again, without a fixed pause, until f is content.
func until(ts *testscript.TestScript, what string, f func() bool) {
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("waited in vain for %s", what)
		}
	}
}

// ready DATA waits until the server of a data directory answers.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	until(ts, "the server of "+args[0], func() bool {
		address, err := os.ReadFile(filepath.Join(ts.MkAbs(args[0]), client.AddressFile))
		if err != nil {
			return false
		}
		res, err := http.Get("http://" + strings.TrimSpace(string(address)) + "/healthz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// appears FILE waits until there is such a file.
func appears(ts *testscript.TestScript, neg bool, args []string) {
	until(ts, args[0], func() bool {
		_, err := os.Lstat(ts.MkAbs(args[0]))
		return err == nil
	})
}

// tree DIR FILE writes the mode and path of everything below DIR into FILE.
func writeTree(ts *testscript.TestScript, neg bool, args []string) {
	var b strings.Builder
	root := os.DirFS(ts.MkAbs(args[0]))
	ts.Check(fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, info.Mode(), path)
		}
		return err
	}))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o644))
}

// transactionid NAME sets an environment variable to the first transaction ID
// in the output of the last command.
func transactionid(ts *testscript.TestScript, neg bool, args []string) {
	_, rest, found := strings.Cut(ts.ReadFile("stdout"), "{")
	id, _, closed := strings.Cut(rest, "}")
	if !found || !closed {
		ts.Fatalf("no transaction ID in the output")
	}
	ts.Setenv(args[0], "{"+id+"}")
}

// keptfolder NAME sets an environment variable to the folder that try has kept.
func keptFolder(ts *testscript.TestScript, neg bool, args []string) {
	_, rest, found := strings.Cut(ts.ReadFile("stderr"), "--data ")
	folder, _, _ := strings.Cut(rest, " ")
	if !found {
		ts.Fatalf("the last command has kept no folder")
	}
	ts.Setenv(args[0], folder)
}
