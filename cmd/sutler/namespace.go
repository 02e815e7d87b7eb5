package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"sutler"
)

// namespace reads and changes the namespaces of the server.
func (p *program) namespace() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use:   "namespace",
		Short: "Import, export, list, show and check namespaces",
		Long: `Namespaces are the XML files that hold procedures. The server checks them when
they are imported: all files of one import are registered, or none.`,
		Example: `  sutler namespace import samples/
  sutler namespace list`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.flags(c)
	c.AddCommand(p.namespaceImport(&r), p.namespaceExport(&r), p.namespaceList(&r), p.namespaceShow(&r), p.namespaceLint(&r))
	return c
}

func (p *program) namespaceImport(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE_OR_DIR...",
		Short: "Check namespace files and register them",
		Long: `Checks the files, and the files *.xml of the directories, and registers all of
them or, if one has an error, none. A namespace of the same name is replaced;
requests that run keep the programs they began with.`,
		Example: `  sutler namespace import samples/hosting.xml
  sutler namespace import ./namespaces`,
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := p.sendSources(c, r, args, false)
			if err == nil {
				fmt.Fprintf(p.talk, "registered %d %s\n", n, plural(n, "file"))
			}
			return err
		},
	}
}

func (p *program) namespaceLint(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "lint FILE_OR_DIR...",
		Short: "Check namespace files against those of the server",
		Long: `Does what import does, without registering anything: shows each error and
warning with file, line, column, the line of source and a hint. The verb
"sutler lint" does the same without a server.`,
		Example: "  sutler namespace lint samples/hosting.xml",
		Args:    usage(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := p.sendSources(c, r, args, true)
			if err == nil {
				fmt.Fprintf(p.talk, "no errors in %d %s\n", n, plural(n, "file"))
			}
			return err
		},
	}
}

// sendSources lets the server check or register files and shows what it found.
func (p *program) sendSources(c *cobra.Command, r *remote, paths []string, check bool) (int, error) {
	srcs, err := namespaceFiles(paths)
	if err != nil {
		return 0, err
	}
	to, err := p.dial(r)
	if err != nil {
		return 0, err
	}
	defer to.Close()
	do := to.Register
	if check {
		do = to.Lint
	}
	problems, err := do(c.Context(), sutler.Caller{}, srcs...)
	p.warn(problems)
	return len(srcs), summary(err, problems)
}

func (p *program) namespaceExport(r *remote) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "export NAME",
		Short: "Print the source of a namespace",
		Long:  "Prints the namespace file as it was imported, byte for byte.",
		Example: `  sutler namespace export Hosting
  sutler namespace export Hosting --file hosting.xml`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			ns, err := to.Namespace(c.Context(), args[0])
			if err != nil {
				return err
			}
			if file != "" {
				return os.WriteFile(file, ns.Text, 0o644)
			}
			_, err = p.out.Write(ns.Text)
			return err
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "write to this file instead of standard output")
	return c
}

func (p *program) namespaceList(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the namespaces",
		Long:    "Lists all namespaces, those built in included.",
		Example: "  sutler namespace list --output json",
		Args:    usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			list, revision, err := to.Namespaces(c.Context())
			if err != nil {
				return err
			}
			v := struct {
				Revision   int64              `json:"revision"`
				Namespaces []sutler.Namespace `json:"namespaces"`
			}{revision, list}
			return p.show("namespaces", v, func() error {
				rows := make([][]string, len(list))
				for i, ns := range list {
					rows[i] = []string{ns.Name, strconv.Itoa(ns.Procedures), ns.ProviderSource, yes(ns.ReadOnly, "read-only"), ns.Description}
				}
				return p.table([]string{"name", "procedures", "provider", "", "description"}, rows)
			})
		},
	}
}

func (p *program) namespaceShow(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a namespace and its procedures",
		Long:    "Shows what is known of a namespace and the procedures it holds.",
		Example: `  sutler namespace show "File System Provider"`,
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			ns, err := to.Namespace(c.Context(), args[0])
			if err != nil {
				return err
			}
			return p.showNamespace(ns)
		},
	}
}

// procedureLine is a procedure as namespace show prints it.
type procedureLine struct {
	Name        string               `json:"name"`
	Access      string               `json:"access"`
	Type        sutler.ProcedureType `json:"type"`
	Kind        string               `json:"kind"` // provider or composite
	Description string               `json:"description,omitempty"`
}

func (p *program) showNamespace(ns *sutler.Namespace) error {
	lines, err := procedures(ns)
	if err != nil {
		return err
	}
	v := struct {
		sutler.Namespace
		Procedures []procedureLine `json:"procedures"`
	}{*ns, lines}
	return p.show("namespace", v, func() error {
		fmt.Fprintf(p.pretty, "%s %s\n", strong.Render(printable(ns.Name)), printable(ns.Description))
		for _, f := range [][2]string{
			{"provider", ns.ProviderSource}, {"file", ns.File}, {"version", strconv.Itoa(ns.Version)},
			{"read-only", yes(ns.ReadOnly, "yes")}, {"registered", when(ns.Registered)}, {"hash", ns.Hash},
		} {
			if f[1] != "" {
				fmt.Fprintf(p.pretty, "  %s %s\n", faint.Render(f[0]+":"), printable(f[1]))
			}
		}
		rows := make([][]string, len(lines))
		for i, l := range lines {
			rows[i] = []string{l.Name, l.Access, l.Type.String(), l.Kind, l.Description}
		}
		return p.table([]string{"procedure", "access", "type", "kind", "description"}, rows)
	})
}

func yes(b bool, word string) string {
	if b {
		return word
	}
	return ""
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
