package main

import (
	"io/fs"
	"log/slog"
	"os"

	"sutler"
	"sutler/provider/customaudit"
	"sutler/provider/fault"
	"sutler/provider/file"
	"sutler/provider/mpferror"
	"sutler/provider/sql"
	"sutler/provider/test"
)

// providers lists what an engine can act on, by providerSource: the names of
// the original where they are known, and short ones. File and SQL providers
// work below root; the Error Provider reads its map files in messages, and the
// SQL Provider named connections in the file connections: neither need exist;
// nor need the file accounts, by which the File System Provider acts as others.
func providers(root *os.Root, messages fs.FS, connections, accounts string, logger *slog.Logger) (map[string]sutler.Provider, error) {
	mapping, err := file.ReadOptions(accounts)
	if err != nil {
		return nil, err
	}
	files, err := file.Open(root, mapping)
	if err != nil {
		return nil, err
	}
	databases, err := sql.New(root, sql.Limits{Connections: connections})
	if err != nil {
		return nil, err
	}
	tests, errors := test.New(), mpferror.Provider{Log: logger, Maps: []fs.FS{messages}}.Procedures()
	return map[string]sutler.Provider{
		"Provisioning.SimpleProvider.1": tests,
		"test":                          tests,
		"fault":                         fault.New(nil),
		"Provisioning.MPFError.1":       errors,
		"error":                         errors,
		"file":                          files,
		sql.Source:                      databases,
		"sql":                           databases,
		customaudit.Source:              customaudit.New(),
	}, nil
}

// builtin lists the namespaces that are always there and cannot be replaced.
func builtin() []sutler.Source {
	return []sutler.Source{
		{File: "builtin/test.xml", Text: test.Namespace()},
		{File: "builtin/fault.xml", Text: fault.Namespace()},
		{File: "builtin/error.xml", Text: mpferror.Namespace()},
		{File: "builtin/file.xml", Text: file.Namespace()},
		{File: "builtin/sql.xml", Text: sql.Namespace()},
		{File: "builtin/audit.xml", Text: customaudit.Namespace()},
	}
}
