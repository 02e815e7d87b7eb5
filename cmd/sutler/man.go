package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// man writes the manual pages.
func (p *program) man(root *cobra.Command) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "man --dir DIR",
		Short: "Write manual pages",
		Long:  "Writes a manual page for each verb into a directory, in section 1.",
		Example: `  sutler man --dir /usr/local/share/man/man1
  man sutler-try`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if dir == "" {
				return usageError(c, fmt.Errorf("--dir is missing: where shall the pages go?"))
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("cannot write manual pages: %w", err)
			}
			n, err := writePages(root, dir)
			if err == nil {
				fmt.Fprintf(p.talk, "wrote %d %s to %s\n", n, plural(n, "page"), dir)
			}
			return err
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "directory for the pages")
	_ = c.MarkFlagDirname("dir")
	return c
}

// writePages writes the page of c and those of the verbs below it.
func writePages(c *cobra.Command, dir string) (int, error) {
	file := filepath.Join(dir, pageName(c)+".1")
	if err := os.WriteFile(file, page(c), 0o644); err != nil {
		return 0, fmt.Errorf("cannot write manual pages: %w", err)
	}
	n := 1
	for _, sub := range documented(c) {
		more, err := writePages(sub, dir)
		if err != nil {
			return n, err
		}
		n += more
	}
	return n, nil
}

// documented returns the verbs below c that have a page.
func documented(c *cobra.Command) []*cobra.Command {
	var subs []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			subs = append(subs, sub)
		}
	}
	return subs
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// page returns the manual page of one verb in the man macros of roff.
func page(c *cobra.Command) []byte {
	var b bytes.Buffer
	section := func(title string) { fmt.Fprintf(&b, ".SH %s\n", title) }
	fmt.Fprintf(&b, ".TH %q 1 \"\" \"sutler %s\" \"Sutler Manual\"\n", strings.ToUpper(pageName(c)), version)
	section("NAME")
	fmt.Fprintf(&b, "%s \\- %s\n", roff(pageName(c)), roff(c.Short))
	section("SYNOPSIS")
	fmt.Fprintf(&b, ".B %s\n", roff(c.UseLine()))
	section("DESCRIPTION")
	for paragraph := range strings.SplitSeq(c.Long, "\n\n") {
		fmt.Fprintf(&b, ".PP\n%s\n", roff(paragraph))
	}
	if c.HasAvailableLocalFlags() || c.HasAvailableInheritedFlags() {
		section("OPTIONS")
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) { option(&b, f) })
		c.InheritedFlags().VisitAll(func(f *pflag.Flag) { option(&b, f) })
	}
	if c.Example != "" {
		section("EXAMPLES")
		fmt.Fprintf(&b, ".nf\n%s\n.fi\n", roff(c.Example))
	}
	var also []string
	if c.HasParent() {
		also = append(also, pageName(c.Parent()))
	}
	for _, sub := range documented(c) {
		also = append(also, pageName(sub))
	}
	if len(also) > 0 {
		section("SEE ALSO")
		for i, name := range also {
			also[i] = "\\fB" + roff(name) + "\\fP(1)"
		}
		fmt.Fprintln(&b, strings.Join(also, ", "))
	}
	return b.Bytes()
}

func option(b *bytes.Buffer, f *pflag.Flag) {
	if f.Hidden {
		return
	}
	kind, text := pflag.UnquoteUsage(f)
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	fmt.Fprintf(b, ".TP\n\\fB%s\\fP %s\n%s\n", roff(name), roff(kind), roff(text))
}

// roff escapes text: a hyphen that can be copied, and no line that would be
// taken for a macro.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
