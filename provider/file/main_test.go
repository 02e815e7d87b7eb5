package file_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"sutler"
	"sutler/provider/file"
	"sutler/sutlertest"
)

// zoeUID is an account of its own for helpers of another process.
const zoeUID = 412347

// What the test program is when it is started with one of these arguments
// instead of file.HelperArgument.
const (
	liar     = "helper-liar"     // answers every message with what nobody asked
	boaster  = "helper-boaster"  // announces a message of 4 GiB
	mute     = "helper-mute"     // closes its output and lives on
	chatty   = "helper-chatty"   // flushes without end
	deaf     = "helper-deaf"     // gets ready and then does not even read
	thief    = "helper-thief"    // wants something remembered that is not for it
	ordinary = "helper-ordinary" // tries to map accounts without being root
	engine   = "helper-engine"   // is an engine in the middle of a call as zoe, below the folder that it reads of
)

func TestMain(m *testing.M) {
	if len(os.Args) != 2 || os.Args[1] != file.HelperArgument && !strings.HasPrefix(os.Args[1], "helper-") {
		os.Exit(m.Run())
	}
	if err := play(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func play(part string) error {
	const most = 1 << 20
	say := func(m file.FromHelper) {
		b, err := file.Encode(m, most)
		if err != nil {
			panic(err)
		}
		os.Stdout.Write(b)
	}
	var m file.ToHelper
	switch part {
	case file.HelperArgument:
		return file.Helper(os.Stdin, os.Stdout)
	case engine:
		path, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		root, err := os.OpenRoot(string(path))
		if err != nil {
			return err
		}
		p, err := file.Open(root, file.Options{Service: fmt.Sprintf("%[1]d:%[1]d", zoeUID)})
		if err != nil {
			return err
		}
		c := sutlertest.NewCall(&testing.T{}, "CreateFile", `<fileName>x</fileName><sourcePath path="."/>`)
		c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error {
			fmt.Println("in the middle")
			select {}
		})
		return p.Process(context.Background(), c)
	case ordinary:
		root, err := os.OpenRoot("/")
		if err == nil {
			_, err = file.Open(root, file.Options{Accounts: map[string]string{"ann": "12345:12345"}})
		}
		fmt.Println(err)
		return nil
	}
	if err := file.Decode(os.Stdin, &m, most); err != nil {
		return err
	}
	say(file.FromHelper{Ready: true})
	if part == mute {
		os.Stdout.Close()
	}
	if part == deaf || part == mute {
		select {}
	}
	for {
		var m file.ToHelper
		if err := file.Decode(os.Stdin, &m, most); err != nil {
			return err
		}
		switch part {
		case liar:
			say(file.FromHelper{Call: m.Call + 1, Done: true})
		case boaster:
			io.WriteString(os.Stdout, "\xff\xff\xff\xff{")
		case chatty:
			say(file.FromHelper{Call: m.Call, Flush: true})
		case thief:
			if m.Task != nil {
				say(file.FromHelper{Call: m.Call, Flush: true, Rollback: append(m.Task.Rollback, pair("commitsLast", "x"))})
			}
		}
	}
}

func pair(name, value string) sutler.Pair { return sutler.Pair{Name: name, Value: value} }
