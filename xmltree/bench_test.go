package xmltree_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"sutler/xmltree"
)

// megabyte is a document of about 1 MB in the shape of provisioning data.
func megabyte() []byte {
	var b strings.Builder
	b.WriteString("<request>\n  <data>\n")
	for i := 0; b.Len() < 1<<20; i++ {
		fmt.Fprintf(&b, "    <user id=\"%d\" type=\"member\">\n      <name>User &amp; Co %d</name>\n      <path>LDAP://CN=user%d,OU=Hosting,DC=example,DC=com</path>\n    </user>\n", i, i, i)
	}
	b.WriteString("  </data>\n</request>\n")
	return []byte(b.String())
}

func BenchmarkParse1MB(b *testing.B) {
	src := megabyte()
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := xmltree.Parse(src, xmltree.Options{DropSpace: true})
		if err != nil {
			b.Fatal(err)
		}
		d.Release()
	}
}

func BenchmarkCopy1MB(b *testing.B) {
	src := megabyte()
	d, err := xmltree.Parse(src, xmltree.Options{DropSpace: true})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		e := xmltree.New(nil)
		if _, err := e.Copy(d.Root()); err != nil {
			b.Fatal(err)
		}
		e.Release()
	}
}

// BenchmarkAgainstParse parses, copies and writes the same megabyte in turn
// and shows the medians, copying and writing as parts of parsing.
func BenchmarkAgainstParse(b *testing.B) {
	src := megabyte()
	d, err := xmltree.Parse(src, xmltree.Options{DropSpace: true})
	if err != nil {
		b.Fatal(err)
	}
	var parse, copying, write []time.Duration
	for b.Loop() {
		start := time.Now()
		p, err := xmltree.Parse(src, xmltree.Options{DropSpace: true})
		if err != nil {
			b.Fatal(err)
		}
		p.Release()
		parse = append(parse, time.Since(start))

		start = time.Now()
		c := xmltree.New(nil)
		if _, err := c.Copy(d.Root()); err != nil {
			b.Fatal(err)
		}
		c.Release()
		copying = append(copying, time.Since(start))

		start = time.Now()
		if err := d.Root().Write(io.Discard, xmltree.WriteOptions{}); err != nil {
			b.Fatal(err)
		}
		write = append(write, time.Since(start))
	}
	b.ReportMetric(float64(median(parse).Microseconds())/1000, "parse-ms")
	b.ReportMetric(float64(median(copying))/float64(median(parse)), "copy/parse")
	b.ReportMetric(float64(median(write))/float64(median(parse)), "write/parse")
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func BenchmarkWrite1MB(b *testing.B) {
	src := megabyte()
	d, err := xmltree.Parse(src, xmltree.Options{DropSpace: true})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		_ = d.Root().String()
	}
}

func BenchmarkMergeSmall(b *testing.B) {
	src := parse(b, `<executeData><user id="7"><name>Ann</name></user><path>p</path></executeData>`)
	b.ReportAllocs()
	for b.Loop() {
		d := xmltree.New(nil)
		dst := d.NewElement(xmltree.Name{Local: "data"})
		for range 2 {
			if err := d.Merge(dst, src, nil); err != nil {
				b.Fatal(err)
			}
		}
		d.Release()
	}
}

// BenchmarkMergeOneByOne merges n elements into one target, one at a time.
func BenchmarkMergeOneByOne(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				d := xmltree.New(nil)
				dst := d.NewElement(xmltree.Name{Local: "data"})
				e := d.NewElement(xmltree.Name{Local: "executeData"})
				u := d.NewElement(xmltree.Name{Local: "user"})
				if err := e.Append(u); err != nil {
					b.Fatal(err)
				}
				u.SetAttr(xmltree.Name{Local: "type"}, "member")
				for i := range n {
					u.SetAttr(xmltree.Name{Local: "id"}, fmt.Sprint(i))
					if err := d.Merge(dst, e, nil); err != nil {
						b.Fatal(err)
					}
				}
				d.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/merge")
		})
	}
}

// records is a document of about n bytes: records with attributes and text.
func records(n int) []byte {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<records xmlns=\"urn:records\" xmlns:x=\"urn:x\">\n")
	for i := 0; b.Len() < n-12; i++ {
		fmt.Fprintf(&b, "  <record id=\"%d\" kind=\"member\" x:state=\"open\">\n    <name>User &amp; Co %d</name>\n    <path>LDAP://CN=user%d,OU=Hosting,DC=example,DC=com</path>\n    <amount currency=\"EUR\">%d.50</amount>\n  </record>\n", i, i, i, i*7)
	}
	b.WriteString("</records>\n")
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	for _, size := range []int{1 << 10, 10 << 10, 1 << 20} {
		src := records(size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				d, err := xmltree.Parse(src, xmltree.Options{})
				if err != nil {
					b.Fatal(err)
				}
				d.Release()
			}
		})
	}
}
