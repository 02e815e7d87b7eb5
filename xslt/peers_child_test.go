//go:build linux

package xslt_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"sutler/xmltree"
)

// peerChild is set in the environment of a test binary that BenchmarkPeers
// started to be the peer "ours".
const peerChild = "SUTLER_PEERS_CHILD"

// servePeer is our peer: it obeys the lines that testdata/peers/peer.c tells
// and adds to the answer of a run the number of mallocs and their bytes.
func servePeer(args []string, in io.Reader, out io.Writer) error {
	work, err := newPeerWork(args)
	if err != nil {
		return err
	}
	fmt.Fprint(out, "\nready\n")
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		verb, arg, _ := strings.Cut(lines.Text(), " ")
		switch verb {
		case "run":
			n, err := strconv.Atoi(arg)
			if err != nil {
				return err
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range n {
				if err := work(nil); err != nil {
					return err
				}
			}
			runtime.ReadMemStats(&after)
			fmt.Fprintln(out, "done", after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc)
		case "write":
			f, err := os.Create(arg)
			if err != nil {
				return err
			}
			if err := work(f); err != nil {
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
			fmt.Fprintln(out, "done")
		default:
			return fmt.Errorf("peer: cannot understand %q", verb)
		}
	}
	return lines.Err()
}

// cpuTime is the user and system time of a process, from its clock that counts
// nanoseconds; 0 is this process.
func cpuTime(pid int) (time.Duration, error) { return cpuClock(^pid<<3 | 2) }

// cpuClock reads a clock of the kernel.
func cpuClock(id int) (time.Duration, error) {
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(id), uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0, fmt.Errorf("cannot read the clock %d: %w", id, errno)
	}
	return time.Duration(t.Nano()), nil
}

// peer is a processor in a process of its own that works on one case.
type peer struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	errors strings.Builder
}

// startPeer starts a peer and waits until it is ready.
func startPeer(name string, argv []string, env ...string) (*peer, error) {
	p := &peer{name: name, cmd: exec.Command(argv[0], argv[1:]...)}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = &p.errors
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for p.out.Scan() {
		if p.out.Text() == "ready" {
			return p, nil
		}
	}
	return nil, p.died()
}

// startOurs starts this test binary as a peer. With SUTLER_PEERS_PROFILE it
// leaves a profile of the processor and one of the heap in that folder.
func startOurs(label string, args []string) (*peer, error) {
	argv := []string{os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkPeers$", "-test.benchtime=1x"}
	if dir := os.Getenv("SUTLER_PEERS_PROFILE"); dir != "" {
		label = strings.NewReplacer("/", "-", " ", "_").Replace(label)
		argv = append(argv, "-test.cpuprofile="+filepath.Join(dir, label+".cpu"), "-test.memprofile="+filepath.Join(dir, label+".mem"))
	}
	return startPeer("ours", append(argv, args...), peerChild+"=1")
}

// died is the error of a peer that gives no answer.
func (p *peer) died() error {
	return fmt.Errorf("the peer %s ended: %v\n%s", p.name, p.cmd.Wait(), p.errors.String())
}

// ask sends a line and returns the numbers in the answer.
func (p *peer) ask(format string, args ...any) ([]int64, error) {
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil {
		return nil, p.died()
	}
	if !p.out.Scan() {
		return nil, p.died()
	}
	if !strings.HasPrefix(p.out.Text(), "done") {
		return nil, fmt.Errorf("the peer %s answers %q", p.name, p.out.Text())
	}
	var ns []int64
	for _, s := range strings.Fields(p.out.Text()) {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			ns = append(ns, n)
		}
	}
	return ns, nil
}

// sample is what running the work once costs.
type sample struct {
	cpu                   float64 // nanoseconds
	mallocs, mallocsBytes float64 // of ours
}

// run does the work n times. The clock of the process stands outside, so that it
// is the same for all; what the line and the answer cost is nothing beside it.
func (p *peer) run(n int) (sample, error) {
	start, err := cpuTime(p.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	ns, err := p.ask("run %d", n)
	if err != nil {
		return sample{}, err
	}
	end, err := cpuTime(p.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	s := sample{cpu: float64(end-start) / float64(n)}
	if len(ns) == 2 {
		s.mallocs, s.mallocsBytes = float64(ns[0])/float64(n), float64(ns[1])/float64(n)
	}
	return s, nil
}

// result does the work once and returns what comes out.
func (p *peer) result(dir string) ([]byte, error) {
	path := filepath.Join(dir, "result-"+p.name)
	if _, err := p.ask("write %s", path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// warm runs the work until it took the given CPU time and returns how often it
// must run for one measurement.
func (p *peer) warm(cpu, window time.Duration) (int, error) {
	var spent float64
	for n := 1; ; {
		s, err := p.run(n)
		if err != nil {
			return 0, err
		}
		took := s.cpu * float64(n)
		spent += took
		if took >= float64(window)/4 && spent >= float64(cpu) {
			return max(1, int(float64(window)/s.cpu)), nil
		}
		if took < float64(window)/2 {
			n *= 2
		}
	}
}

// stop ends the peer and returns the CPU time of its whole life.
func (p *peer) stop() (time.Duration, error) {
	p.in.Close()
	for p.out.Scan() {
	}
	if err := p.cmd.Wait(); err != nil {
		return 0, fmt.Errorf("the peer %s ended: %w\n%s", p.name, err, p.errors.String())
	}
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
}

// Our peer, started as BenchmarkPeers does it, gives what the work gives in
// this process, and costs something.
func TestPeerChild(t *testing.T) {
	dir := t.TempDir()
	for _, s := range peerSheets {
		for _, way := range []string{"bytes", "tree", "parse"} {
			args := []string{way, peerDocument(t, dir, s.document, 1<<10)}
			if way != "parse" {
				args = append(args, filepath.Join(peersDir, s.name+".xsl"))
			}
			work, err := newPeerWork(args)
			if err != nil {
				t.Fatal(err)
			}
			var want strings.Builder
			if err := work(&want); err != nil {
				t.Fatal(err)
			}
			p, err := startOurs("test", args)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.result(dir)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != want.String() {
				t.Errorf("%s %s: the child wrote %s, want %s", s.name, way, got, want.String())
			}
			n, err := p.warm(0, 20*time.Millisecond)
			if err != nil || n < 2 {
				t.Errorf("%s %s: %d runs in 20 ms, %v", s.name, way, n, err)
			}
			cost, err := p.run(n)
			if err != nil || cost.cpu <= 0 || cost.mallocs <= 0 || cost.mallocsBytes <= 0 {
				t.Errorf("%s %s costs %+v, %v", s.name, way, cost, err)
			}
			if all, err := p.stop(); err != nil || all < time.Duration(cost.cpu) {
				t.Errorf("%s %s: the child took %v in all, %v", s.name, way, all, err)
			}
		}
	}
}

// A peer that cannot do its work says why.
func TestPeerFails(t *testing.T) {
	doc := peerDocument(t, t.TempDir(), orders, 1<<10)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"bytes", "absent.xml", "absent.xsl"}, "absent.xml"},
		{[]string{"bytes", doc, doc}, "XT"},
		{[]string{"xpath", doc, "//none", "."}, "selects nothing"},
		{[]string{"dance", doc}, "cannot understand"},
	} {
		p, err := startOurs("test", c.args)
		if err == nil {
			p.stop()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("starting %q: %v, want %q", c.args, err, c.want)
		}
	}
}

// samePeers returns an error unless two results are equal once they are parsed;
// values of expressions are compared as they are.
func samePeers(a, b []byte, trees bool) error {
	x, y := string(a), string(b)
	if trees {
		for _, s := range []*string{&x, &y} {
			d, err := xmltree.Parse([]byte(*s), xmltree.Options{})
			if err != nil {
				return err
			}
			*s = xmltree.Canonical(d.Root())
			d.Release()
		}
	}
	if x == y {
		return nil
	}
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	from := max(0, i-60)
	return fmt.Errorf("one is …%.160q, the other …%.160q", x[from:], y[from:])
}

// Results count as equal when their trees are; values when their bytes are.
func TestSamePeers(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		trees bool
		same  bool
	}{
		{`<a x="1" y="2"/>`, `<?xml version="1.0"?><a y='2' x='1'></a>`, true, true},
		{`<a x="1"/>`, `<a x="2"/>`, true, false},
		{`<a>b</a>`, `<a> b</a>`, true, false},
		{`<a/>`, `no tree`, true, false},
		{"1", "1", false, true},
		{"1", "1.0", false, false},
	} {
		if err := samePeers([]byte(c.a), []byte(c.b), c.trees); (err == nil) != c.same {
			t.Errorf("samePeers(%s, %s) = %v", c.a, c.b, err)
		}
	}
}
