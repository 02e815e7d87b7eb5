package file

// UseArgument has p start its helpers with another argument.
func UseArgument(p *Provider, argument string) { p.pool.argument = argument }

// The messages and parsers, for tests.
type (
	ToHelper   = toHelper
	FromHelper = fromHelper
)

var (
	Encode       = encode
	Decode       = decode
	ParseOptions = parseOptions
)
