package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const referenceFile = "../../docs/reference/cli.md"

// tree of verbs without streams, as the manual describes it.
func verbs() *cobra.Command {
	p := &program{in: strings.NewReader("")}
	root := p.command()
	root.SetOut(io.Discard)
	return root
}

// each calls f for c and all verbs below it that a user sees.
func each(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range documented(c) {
		each(sub, f)
	}
}

// TestVerbs sees that each verb explains itself and that its examples parse.
func TestVerbs(t *testing.T) {
	each(verbs(), func(c *cobra.Command) {
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s lacks Short, Long or Example", c.CommandPath())
		}
		for line := range strings.SplitSeq(c.Example, "\n") {
			words := shellWords(line)
			for i, w := range words {
				if w == "|" {
					words = words[i+1:]
				}
			}
			if len(words) == 0 || words[0] != "sutler" {
				continue
			}
			root := verbs()
			sub, rest, err := root.Find(words[1:])
			if err == nil {
				err = sub.ParseFlags(rest)
			}
			if err == nil && sub.Args != nil {
				err = sub.Args(sub, sub.Flags().Args())
			}
			if err != nil {
				t.Errorf("example of %s: %q: %v", c.CommandPath(), line, err)
			}
		}
	})
}

// shellWords splits a line at blanks outside of double quotes.
func shellWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}

// TestReference compares the reference of the command line with the verbs
// themselves. UPDATE=1 rewrites it.
func TestReference(t *testing.T) {
	got := reference(verbs())
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(referenceFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not up to date; run UPDATE=1 go test ./cmd/sutler (-file +verbs):\n%s", referenceFile, diff)
	}
}

func reference(root *cobra.Command) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The command line\n\nWhat `sutler VERB --help` says, in one page.\n")
	each(root, func(c *cobra.Command) {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n", c.CommandPath(), c.Short)
		if c.Runnable() && c.HasParent() {
			fmt.Fprintf(&b, "```\n%s\n```\n\n", c.UseLine())
		}
		fmt.Fprintf(&b, "%s\n", c.Long)
		if c.Example != "" {
			fmt.Fprintf(&b, "\n```sh\n%s\n```\n", undent(c.Example))
		}
		var flags []string
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden || f.Name == "help" {
				return
			}
			kind, text := pflag.UnquoteUsage(f)
			name := strings.TrimSpace("`--" + f.Name + " " + kind)
			if f.Shorthand != "" {
				name = strings.Replace(name, "`", "`-"+f.Shorthand+"`, `", 1)
			}
			if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
				text += " (default `" + f.DefValue + "`)"
			}
			flags = append(flags, fmt.Sprintf("| %s` | %s |", name, text))
		})
		if len(flags) > 0 {
			fmt.Fprintf(&b, "\n| Flag | Meaning |\n| --- | --- |\n%s\n", strings.Join(flags, "\n"))
		}
	})
	return b.Bytes()
}

func undent(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "  ")
	}
	return strings.Join(lines, "\n")
}
