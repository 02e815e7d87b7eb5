package file_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"sutler/provider/file"
)

// What the test program is when it is started with one of these arguments
// instead of file.HelperArgument.
const (
	liar     = "helper-liar"     // answers every message with what nobody asked
	boaster  = "helper-boaster"  // announces a message of 4 GiB
	deaf     = "helper-deaf"     // gets ready and then does not even read
	thief    = "helper-thief"    // wants something remembered that is not for it
	ordinary = "helper-ordinary" // tries to map accounts without being root
)

func TestMain(m *testing.M) {
	if len(os.Args) != 2 || os.Args[1] != file.HelperArgument && !strings.HasPrefix(os.Args[1], "helper-") {
		os.Exit(m.Run())
	}
	if err := play(os.Args[1]); err != nil {
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
	if part == deaf {
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
		case thief:
			if m.Task != nil {
				say(file.FromHelper{Call: m.Call, Flush: true, Rollback: append(m.Task.Rollback, pair("commitsLast", "x"))})
			}
		}
	}
}
