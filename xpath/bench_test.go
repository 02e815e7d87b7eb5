package xpath_test

import (
	"strings"
	"testing"

	"sutler/xpath"
)

// BenchmarkEval evaluates on a document of 2,000 records. First, Bool and Str
// are the ways in which procedures and stylesheets ask most.
func BenchmarkEval(b *testing.B) {
	d := parse(b, "<data>"+strings.Repeat(`<user id="7" type="x"><name>Ann</name><mail>a@b</mail></user>`, 2000)+`<last id="8"><name>Bob</name></last></data>`)
	for _, src := range []string{"user/name", "last/name", "user[@id='8']", "user[1]/name", "user[last()]/@id", "//name", "count(//user/name)",
		"user[name='Bob']", "name(*)", "user[position() mod 2 = 1]", "user/name/.."} {
		e, err := xpath.Compile(src, xpath.Static{})
		if err != nil {
			b.Fatal(err)
		}
		c := &xpath.Context{Node: d.DocumentElement()}
		for _, way := range []struct {
			name string
			run  func() error
		}{
			{"Eval", func() error { _, err := e.Eval(c); return err }},
			{"Bool", func() error { _, err := e.Bool(c); return err }},
			{"Str", func() error { _, err := e.Str(c); return err }},
		} {
			b.Run(strings.ReplaceAll(src, "/", "|")+" "+way.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := way.run(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := xpath.Compile("user[@status = 'x' and position() < 3]/name/text()", xpath.Static{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	d := parse(b, "<data><users>"+strings.Repeat(`<user id="7"><name>Ann</name></user>`, 100)+"</users></data>")
	n := find(b, d.Root(), "/data/users/user[100]/name")
	for _, src := range []string{"name", "user/name", "data//name", "user[@id='7']/name", "user[1]/name", "user[last()]/name"} {
		all, err := xpath.CompilePattern(src, xpath.Static{})
		if err != nil {
			b.Fatal(err)
		}
		c := &xpath.Context{}
		b.Run(strings.ReplaceAll(src, "/", "|"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := all[0].Matches(c, n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
