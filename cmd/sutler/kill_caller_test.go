//go:build unix

package main_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/client"
)

// Every step but the last runs as the calling user, who is gone after the kill.
const asCaller = `<request><procedure>
	<execute namespace="File System Provider" procedure="CreateDirectory" impersonate="1"><executeData><dirName>half</dirName><sourcePath path="."/></executeData></execute>
	<execute namespace="File System Provider" procedure="CreateFile" impersonate="1"><executeData><fileName>file</fileName><sourcePath path="half"/><content>half</content></executeData></execute>
	<execute namespace="File System Provider" procedure="DeleteFile" impersonate="1"><executeData><fileName>old</fileName><sourcePath path="."/></executeData></execute>
	<execute namespace="SQL Provider" procedure="ExecSQL" impersonate="1"><executeData><connect Database="shop.db"/>
		<command>insert into t values (2)</command><undoCommand>delete from t where n = 2</undoCommand></executeData></execute>
	<execute namespace="SQL Provider" procedure="Transact" impersonate="1"><executeData><connect Database="shop.db"/><command>insert into t values (3)</command></executeData></execute>
	<execute namespace="Test Namespace" procedure="Write Request" impersonate="1"/>
	<execute namespace="Fault Namespace" procedure="Count" impersonate="1"/>
	<execute namespace="File System Provider" procedure="CreateFile" impersonate="1"><executeData><fileName>begun</fileName><sourcePath path="."/></executeData></execute>
	<execute namespace="Fault Namespace" procedure="Sleep"><executeData><milliseconds>600000</milliseconds></executeData></execute>
</procedure></request>`

// TestKillServerOfACaller kills a server in the middle of a request whose steps
// run as the calling user: the next start undoes them all, and no operator is
// needed.
func TestKillServerOfACaller(t *testing.T) {
	program := built(t)
	ways := map[string]string{"as the engine": ""}
	if os.Geteuid() == 0 {
		ways["as accounts of the system"] = `{"accounts": {"Local": "412346:412346"}}`
	}
	for name, accounts := range ways {
		t.Run(name, func(t *testing.T) { killCaller(t, program, accounts) })
	}
}

func killCaller(t *testing.T, program, accounts string) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	s := &server{t: t, program: program, data: filepath.Join(dir, "data"), args: []string{"--root", root}}
	err := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), os.Chmod(dir, 0o711), os.Mkdir(root, 0o755), os.Chmod(root, 0o777), os.Mkdir(s.data, 0o700),
		os.WriteFile(filepath.Join(root, "old"), []byte("theirs"), 0o644))
	if accounts != "" {
		err = errors.Join(err, os.WriteFile(filepath.Join(s.data, "file-accounts.json"), []byte(accounts), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(root, "shop.db")+"?_pragma=busy_timeout(20000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`create table t (n integer); insert into t values (1)`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	s.start()
	before := strings.Join(tree(t, root), "\n")

	first := s.dial()
	defer first.Close()
	go func() { _, _ = first.Send(context.Background(), client.Submission{Trusted: true, Request: asCaller}) }()
	s.wait("the last step begins", time.Minute, func() bool { _, err := os.Stat(filepath.Join(root, "begun")); return err == nil })
	s.kill()
	s.start()
	c := s.dial()
	defer c.Close()
	s.wait("the transaction is undone, or cannot be", time.Minute, func() bool {
		list, err := c.Transactions(t.Context(), sutler.Filter{Status: sutler.RolledBack})
		return err == nil && len(list) == 1 || strings.Contains(s.logged(), "cannot undo")
	})
	for line := range strings.Lines(s.logged()) {
		if strings.Contains(line, "level=ERROR") {
			t.Error(line)
		}
	}
	if after := strings.Join(tree(t, root), "\n"); after != before {
		t.Errorf("left is\n%s\nwant\n%s", after, before)
	}
	var rows int
	if err := db.QueryRow(`select sum(n) from t`).Scan(&rows); err != nil || rows != 1 {
		t.Errorf("the table holds %d, %v", rows, err)
	}
	if text, err := os.ReadFile(filepath.Join(root, "old")); string(text) != "theirs" {
		t.Errorf("the deleted file is %q, %v", text, err)
	}
}
