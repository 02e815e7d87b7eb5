// Package samples holds namespaces and requests that show the language at
// work. They are documentation, the food of tests, and what sutler demo runs.
package samples

import "embed"

// Files holds hosting.xml, the namespace Hosting, and requests for it:
// request-ok.xml commits, request-fail.xml fails at its last step once
// request-ok.xml was there, show.xml reads.
//
//go:embed *.xml
var Files embed.FS
