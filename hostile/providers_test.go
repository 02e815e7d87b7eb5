//go:build linux

package hostile

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sutler"
	"sutler/provider"
	"sutler/provider/file"
	"sutler/provider/sql"
	"sutler/xmltree"
)

// newCall returns a call of procedure, the number seq of its transaction, with
// these children of executeData.
func newCall(seq int, procedure, data string) (*sutler.Call, error) {
	src := `<executeXml><context><transactionContext transactionId="{T}"/><executeContext/></context><executeData>` + data + `</executeData></executeXml>`
	d, err := xmltree.Parse([]byte(src), xmltree.Options{File: "call.xml", DropSpace: true, Budget: limits.Budget()})
	if err != nil {
		return nil, err
	}
	top := d.DocumentElement()
	return &sutler.Call{
		Transaction: "{T}", Seq: seq, Namespace: "Test", Procedure: procedure, ProviderSource: "test", Type: sutler.Write,
		Identity: sutler.Identity{Kind: sutler.ServiceAccount, Account: "sutler"},
		Started:  time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC),
		Context:  top.Child("context"), Data: top.Child("executeData"),
		Rollback: sutler.NewRollbackData(nil, nil), Bag: &sutler.Bag{},
	}, nil
}

// process carries a call out.
func process(said *bytes.Buffer, p provider.Procedures, seq int, procedure, data string) string {
	c, err := newCall(seq, procedure, data)
	if err != nil {
		return verdictOf(said, err)
	}
	defer c.Data.Document().Release()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.Process(ctx, c); err != nil {
		return verdictOf(said, err)
	}
	said.WriteString(xmltree.Canonical(c.Data))
	return "accepted"
}

// fileWorld is the root of a case: a file, a directory with a file in it, and
// links that lead out of it, to a place that does not exist, and to themselves.
func fileWorld(w *world, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "d"), 0o700); err != nil {
		return err
	}
	for _, name := range []string{"f", "d/inner"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{
		"out": w.outside, "outfile": filepath.Join(w.outside, "secret"), "up": "..", "d/up": "../..", "relative": "../outside",
		"passwd": "/etc/passwd", "null": "/dev/null", "nowhere": filepath.Join(w.outside, "nothing"), "loop": "loop", "ping": "pong", "pong": "ping",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// openWorld opens a folder with the files of a case until its end.
func openWorld(w *world) (*os.Root, error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	if err := fileWorld(w, dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	w.after = append(w.after, func() { root.Close() })
	return root, nil
}

func fileDoor(w *world, c *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	root, err := openWorld(w)
	if err != nil {
		return nil, err
	}
	p := file.New(root)
	return func(said *bytes.Buffer) string {
		return process(said, p, 1, c.head["procedure"], string(files["data.xml"]))
	}, nil
}

// shop is the database of each case of the SQL Provider. Its customers must be
// the same after it.
var shop = []string{
	"create table customer (code text primary key, name text)", "create table audit (text)",
	"insert into customer values ('LIT', 'Litware'), ('CON', 'Contoso'), ('NOR', 'Northwind')",
}

const customers = `<row all="CON Contoso,LIT Litware,NOR Northwind"/>`

// sqlDoor carries a call of the SQL Provider out and looks at the customers then.
func sqlDoor(w *world, c *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	root, err := openWorld(w)
	if err != nil {
		return nil, err
	}
	p, err := sql.New(root, sql.Limits{})
	if err != nil {
		return nil, err
	}
	const connect = `<connect Database="shop.db"/>`
	var talk bytes.Buffer
	if v := process(&talk, p, 2, "CreateDatabase", connect); v != "accepted" {
		return nil, fmt.Errorf("%s: %s", v, &talk)
	}
	for i, command := range shop {
		if v := process(&talk, p, 3+i, "ExecSQL", connect+"<command>"+command+"</command><undoCommand>select 1</undoCommand>"); v != "accepted" {
			return nil, fmt.Errorf("%s: %s: %s", command, v, &talk)
		}
	}
	return func(said *bytes.Buffer) string {
		verdict := process(said, p, 1, c.head["procedure"], string(files["data.xml"]))
		var now bytes.Buffer
		look := connect + "<command>select group_concat(code || ' ' || name, ',' order by code) as \"all\" from customer</command>"
		if v := process(&now, p, 99, "Query", look); v != "accepted" || !strings.Contains(now.String(), customers) {
			return "changed customers: " + now.String()
		}
		return verdict
	}, nil
}
