//go:build linux

package xslt_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	peerWindow   = 200 * time.Millisecond // CPU time of one measurement
	exprWindow   = 80 * time.Millisecond  // of an expression
	nativeWarmth = 100 * time.Millisecond // CPU time before the first
	javaWarmth   = 5 * time.Second
	saxonJar     = "/usr/share/java/Saxon-HE.jar"
)

// BenchmarkPeers compares this package with other processors: libxslt, the
// measure, through a small C program; Saxon-HE and the XSLTC of the JDK where
// Java is installed. Each works in a process of its own that starts once per
// case, warms up and then takes its turn in every round. What counts is the CPU
// time of the whole process, with all its threads, while it works: user and
// system, without its start. A round is an iteration, so -benchtime 7x is seven
// rounds; shown are the medians, and the others as parts of libxslt.
//
//	go test -run '^$' -bench '^BenchmarkPeers$' -benchtime 7x -timeout 30m ./xslt/
//	go test -run '^$' -bench 'Peers/map/1KB/bytes' -benchtime 7x ./xslt/
//
// Before the clock starts, the results of all peers on a case must be equal.
// SUTLER_PEERS chooses the peers ("ours libxslt"), SUTLER_PEERS_JSON is the file
// that the figures go to, SUTLER_PEERS_PROFILE a folder for profiles of ours.
func BenchmarkPeers(b *testing.B) {
	if os.Getenv(peerChild) != "" {
		if err := servePeer(flag.Args(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	bench := &peerBench{dir: b.TempDir()}
	bench.find(b)
	for _, s := range peerSheets {
		sheet, err := filepath.Abs(filepath.Join(peersDir, s.name+".xsl"))
		if err != nil {
			b.Fatal(err)
		}
		for _, size := range peerSizes {
			doc := peerDocument(b, bench.dir, s.document, size.bytes)
			for _, way := range []string{"bytes", "tree"} {
				bench.run(b, s.name+"/"+size.name+"/"+way, way, doc, sheet)
			}
		}
	}
	for _, size := range peerSizes {
		bench.run(b, "parse/"+size.name, "parse", peerDocument(b, bench.dir, directory, size.bytes))
	}
	big := peerDocument(b, bench.dir, orders, 1<<20)
	for _, e := range peerExprs(b) {
		name := "xpath/" + strings.ReplaceAll(e.expr, "/", "|")
		bench.run(b, name, "xpath", big, e.from, e.expr)
	}
	for _, h := range hostile {
		b.Run("neighbour/"+h.name, func(b *testing.B) { bench.neighbour(b, h.name, h.inside) })
	}
	bench.report(b)
}

// find builds the peers that are wanted and can be built.
func (p *peerBench) find(b *testing.B) {
	wanted := strings.Fields(os.Getenv("SUTLER_PEERS"))
	want := func(name string) bool { return len(wanted) == 0 || slices.Contains(wanted, name) }
	for _, name := range wanted {
		if !slices.Contains([]string{"libxslt", "ours", "saxon", "xsltc"}, name) {
			b.Fatalf("SUTLER_PEERS names %q; the peers are libxslt, ours, saxon, xsltc", name)
		}
	}
	source, err := filepath.Abs(peersDir)
	if err != nil {
		b.Fatal(err)
	}
	if want("libxslt") {
		flags, err := exec.Command("xslt-config", "--cflags", "--libs").Output()
		if err != nil {
			b.Fatalf("cannot find libxslt: %v; install it: .ci/install gcc libc6-dev libxml2-dev libxslt1-dev", err)
		}
		args := append([]string{"-O2", "-o", filepath.Join(p.dir, "peer"), filepath.Join(source, "peer.c")}, strings.Fields(string(flags))...)
		if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
			b.Fatalf("cannot build peer.c: %v\n%s\ninstall what it needs: .ci/install gcc libc6-dev libxml2-dev libxslt1-dev", err, out)
		}
		p.peers = append(p.peers, "libxslt")
	}
	if want("ours") {
		p.peers = append(p.peers, "ours")
	}
	if !want("saxon") && !want("xsltc") {
		return
	}
	_, noJavac := exec.LookPath("javac")
	_, noSaxon := os.Stat(saxonJar)
	if noJavac != nil || noSaxon != nil {
		fmt.Println("without Saxon-HE and XSLTC; to see them: .ci/install default-jdk-headless libsaxonhe-java")
		return
	}
	if out, err := exec.Command("javac", "-d", p.dir, "-cp", saxonJar, filepath.Join(source, "Peer.java")).CombinedOutput(); err != nil {
		b.Fatalf("cannot build Peer.java: %v\n%s", err, out)
	}
	for _, name := range []string{"saxon", "xsltc"} {
		if want(name) {
			p.peers = append(p.peers, name)
		}
	}
}

// start starts a peer for a case; nil if it has no such case. The serial collector is the one that costs Java least here.
func (p *peerBench) start(name, label string, args []string) (*peer, error) {
	switch {
	case name == "ours":
		return startOurs(label, args)
	case name == "libxslt":
		return startPeer(name, append([]string{filepath.Join(p.dir, "peer")}, args...))
	case args[0] == "bytes" || args[0] == "tree":
		return startPeer(name, append([]string{"java", "-XX:+UseSerialGC", "-cp", p.dir + ":" + saxonJar, "Peer", name}, args...))
	}
	return nil, nil
}

// contender is a peer on a case with how often it runs for one measurement.
type contender struct {
	*peer
	times   int
	result  []byte
	samples []sample
}

// contenders starts the peers of a case and warms them up, all at once.
func (p *peerBench) contenders(label string, args []string) ([]*contender, error) {
	all := make([]*contender, len(p.peers))
	errs := make([]error, len(p.peers))
	var wait sync.WaitGroup
	for i, name := range p.peers {
		wait.Go(func() {
			peer, err := p.start(name, label, args)
			if err != nil || peer == nil {
				errs[i] = err
				return
			}
			all[i] = &contender{peer: peer}
			if all[i].result, errs[i] = peer.result(p.dir); errs[i] != nil {
				return
			}
			window, warmth := peerWindow, nativeWarmth
			if args[0] == "xpath" {
				window = exprWindow
			}
			if name == "saxon" || name == "xsltc" {
				warmth = javaWarmth
			}
			all[i].times, errs[i] = peer.warm(warmth, window)
		})
	}
	wait.Wait()
	all = slices.DeleteFunc(all, func(c *contender) bool { return c == nil })
	return all, errors.Join(errs...)
}

// run measures a case.
func (p *peerBench) run(b *testing.B, name string, args ...string) {
	b.Run(name, func(b *testing.B) {
		row := peerRow{Name: name, CPU: map[string]float64{}, Ratio: map[string]float64{}, Process: map[string]float64{}}
		peers, err := p.contenders(name, args)
		stop := func() {
			for _, peer := range peers {
				all, err := peer.stop()
				if err != nil {
					b.Error(err)
				}
				row.Process[peer.name] = all.Seconds()
			}
			peers = nil
		}
		defer func() { stop() }()
		if err != nil {
			b.Fatal(err)
		}
		for _, peer := range peers[1:] {
			if err := samePeers(peers[0].result, peer.result, args[0] != "xpath"); err != nil {
				b.Fatalf("the results of %s and %s differ: %v", peers[0].name, peer.name, err)
			}
		}
		for b.Loop() {
			for i := range peers {
				peer := peers[(i+row.Rounds)%len(peers)] // everyone is the first in turn
				s, err := peer.run(peer.times)
				if err != nil {
					b.Fatal(err)
				}
				peer.samples = append(peer.samples, s)
			}
			row.Rounds++
		}
		for _, peer := range peers {
			row.CPU[peer.name] = medianOf(peer.samples, func(s sample) float64 { return s.cpu })
			if peer.name == "ours" {
				row.Mallocs = medianOf(peer.samples, func(s sample) float64 { return s.mallocs })
				row.Bytes = medianOf(peer.samples, func(s sample) float64 { return s.mallocsBytes })
			}
		}
		stop()
		b.ReportMetric(0, "ns/op")
		for name, cpu := range row.CPU {
			b.ReportMetric(cpu/1000, name+"-µs")
			if base := row.CPU["libxslt"]; base > 0 && name != "libxslt" {
				row.Ratio[name] = cpu / base
				b.ReportMetric(cpu/base, name+"/libxslt")
			}
		}
		p.rows = append(p.rows, row)
	})
}
