package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is the version of the program. The linker sets it, nobody else;
// CHANGELOG.md says what is in each.
var version = "devel"

// build tells one program from another.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Revision = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	return b
}

// version prints what program this is.
func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program",
		Long:  "Prints the version of this program, the revision it was built from, and for which platform.",
		Example: `  sutler version
  sutler version --output json`,
		Args: usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			return p.show("version", b, func() error {
				_, err := fmt.Fprintf(p.out, "sutler %s %s %s\n", b.Version, b.Go, b.Platform)
				return err
			})
		},
	}
}
