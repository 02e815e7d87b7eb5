//go:build unix

package sutlertest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Disk is a disk below SQLite that dies on command. It is a VFS that stands
// before the one of the operating system, counts every durable operation
// (write, truncate, sync, delete), and knows of each file what is durable: the
// content at its last sync, and the writes since, which may reach the disk or
// not.
//
// What lies in shared memory (-shm) is not durable and not counted. A Disk
// stays registered until the process ends.
type Disk struct {
	name string
	vfs  *sqlite3.Tsqlite3_vfs // of the operating system

	mu    sync.Mutex
	files map[string]*diskFile
	open  map[uintptr]string // by sqlite3_file: its path
	count int                // durable operations so far
	left  int                // operations until the death, the dying one included; 0: none
	how   Death
	dead  bool
	full  bool

	keep []any // what C memory points to
}

// diskFile is what is known of one file.
type diskFile struct {
	durable []byte
	since   []write // not synced yet
}

// write is a write or, with data nil, a truncation.
type write struct {
	at   int64
	data []byte
}

// Death is what happens at the operation that dies.
type Death int

// The deaths. But for LostSync and Full every later operation fails too.
const (
	Before   Death = iota // nothing of the operation happens
	After                 // it happens, and is reported as failed
	Torn512               // of a write, the first 512 bytes happen
	Torn4096              // of a write, the first 4,096 bytes happen
	LostSync              // the next sync fails, what was not synced is lost for good, and all later operations succeed
	Full                  // writes that let a file grow fail, until Room is called
)

// Left says which of the writes that were not synced are in an image.
type Left int

// What is left of writes that were not synced.
const (
	Nothing Left = iota
	Everything
	EverySecond
)

var disks atomic.Int64

// NewDisk registers a VFS under a name of its own.
func NewDisk() *Disk {
	d := &Disk{name: fmt.Sprintf("disk%d", disks.Add(1)), files: map[string]*diskFile{}, open: map[uintptr]string{}}
	tls := libc.NewTLS()
	defer tls.Close()
	d.vfs = inC[sqlite3.Tsqlite3_vfs](sqlite3.Xsqlite3_vfs_find(tls, 0))
	own := inC[sqlite3.Tsqlite3_vfs](libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{}))))
	*own = *d.vfs
	name, err := libc.CString(d.name)
	if err != nil {
		panic(err)
	}
	own.FzName, own.FpNext = name, 0
	xOpen, xDelete := d.xOpen, d.xDelete
	own.FxOpen, own.FxDelete = d.pointer(&xOpen), d.pointer(&xDelete)
	if rc := sqlite3.Xsqlite3_vfs_register(tls, uintptr(unsafe.Pointer(own)), 0); rc != sqlite3.SQLITE_OK {
		panic(fmt.Sprintf("cannot register a VFS: %d", rc))
	}
	return d
}

// pointer returns what C calls f by; f is a pointer to a function value, which
// then lives as long as the disk.
func (d *Disk) pointer(f any) uintptr {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keep = append(d.keep, f)
	all.Store(d, true)
	switch f := f.(type) {
	case *func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32:
		return *(*uintptr)(unsafe.Pointer(f))
	case *func(*libc.TLS, uintptr, uintptr, int32) int32:
		return *(*uintptr)(unsafe.Pointer(f))
	case *func(*libc.TLS, uintptr, uintptr, int32, sqlite3.Tsqlite3_int64) int32:
		return *(*uintptr)(unsafe.Pointer(f))
	case *func(*libc.TLS, uintptr, sqlite3.Tsqlite3_int64) int32:
		return *(*uintptr)(unsafe.Pointer(f))
	case *func(*libc.TLS, uintptr, int32) int32:
		return *(*uintptr)(unsafe.Pointer(f))
	case *func(*libc.TLS, uintptr) int32:
		return *(*uintptr)(unsafe.Pointer(f))
	}
	panic("no such function")
}

// all keeps every disk alive.
var all sync.Map

// Name returns the name of the VFS, for store.Options.
func (d *Disk) Name() string { return d.name }

// Operations returns how many durable operations there were.
func (d *Disk) Operations() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// DieAt lets the n-th operation from now die, counted from 1.
func (d *Disk) DieAt(n int, how Death) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.how = n, how
}

// Dead reports whether the disk has died; one that is full has not.
func (d *Disk) Dead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}

// Room gives a full disk space again.
func (d *Disk) Room() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = false
}

// Image writes into the directory to what would be found on the disk after a
// loss of power: of each file what is durable, and left of the writes since.
func (d *Disk) Image(to string, left Left) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, f := range d.files {
		content := append([]byte(nil), f.durable...)
		for i, w := range f.since {
			if left == Everything || left == EverySecond && i%2 == 0 {
				content = w.apply(content)
			}
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (w write) apply(content []byte) []byte {
	if w.data == nil {
		if w.at < int64(len(content)) {
			return content[:w.at]
		}
		return content
	}
	if end := w.at + int64(len(w.data)); end > int64(len(content)) {
		content = append(content, make([]byte, end-int64(len(content)))...)
	}
	copy(content[w.at:], w.data)
	return content
}

// What an operation has to do.
type verdict int

const (
	carryOut verdict = iota
	fail
	carryOutAndFail
	tear512
	tear4096
	loseSync
	noRoom
)

// next counts an operation and says what becomes of it. grows and syncs tell
// of which kind it is.
func (d *Disk) next(grows, syncs bool) verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return fail
	}
	d.count++
	if d.full && grows {
		return noRoom
	}
	if d.left == 0 {
		return carryOut
	}
	if d.left > 1 || d.how == LostSync && !syncs {
		d.left = max(1, d.left-1)
		return carryOut
	}
	d.left = 0
	switch d.how {
	case LostSync:
		return loseSync
	case Full:
		d.full = true
		if grows {
			return noRoom
		}
		return carryOut
	}
	d.dead = true
	return map[Death]verdict{Before: fail, After: carryOutAndFail, Torn512: tear512, Torn4096: tear4096}[d.how]
}

// file returns what is known of a file; the caller holds the lock.
func (d *Disk) file(path string) *diskFile {
	f := d.files[path]
	if f == nil {
		f = &diskFile{}
		d.files[path] = f
	}
	return f
}

func (d *Disk) xOpen(tls *libc.TLS, _, zName, pFile uintptr, flags int32, pOut uintptr) int32 {
	rc := call5(d.vfs.FxOpen)(tls, uintptr(unsafe.Pointer(d.vfs)), zName, pFile, flags, pOut)
	file := inC[sqlite3.Tsqlite3_file](pFile)
	if rc != sqlite3.SQLITE_OK || file.FpMethods == 0 || zName == 0 {
		return rc
	}
	path := libc.GoString(zName)
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return sqlite3.SQLITE_CANTOPEN
	}
	d.mu.Lock()
	d.open[pFile] = path
	if d.files[path] == nil { // as it was found, it is durable
		d.files[path] = &diskFile{durable: content}
	}
	d.mu.Unlock()
	file.FpMethods = d.methods(tls, file.FpMethods)
	return rc
}

// methods returns a table of methods that stands before the given one.
func (d *Disk) methods(tls *libc.TLS, real uintptr) uintptr {
	theirs := inC[sqlite3.Tsqlite3_io_methods](real)
	own := inC[sqlite3.Tsqlite3_io_methods](libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(*theirs))))
	*own = *theirs
	xWrite := func(tls *libc.TLS, pFile, pBuf uintptr, n int32, offset sqlite3.Tsqlite3_int64) int32 {
		return d.write(tls, theirs, pFile, pBuf, n, offset)
	}
	xTruncate := func(tls *libc.TLS, pFile uintptr, size sqlite3.Tsqlite3_int64) int32 {
		return d.truncate(tls, theirs, pFile, size)
	}
	xSync := func(tls *libc.TLS, pFile uintptr, flags int32) int32 { return d.sync(tls, theirs, pFile, flags) }
	xClose := func(tls *libc.TLS, pFile uintptr) int32 {
		d.mu.Lock()
		delete(d.open, pFile)
		d.mu.Unlock()
		return call1(theirs.FxClose)(tls, pFile)
	}
	own.FxWrite, own.FxTruncate, own.FxSync, own.FxClose = d.pointer(&xWrite), d.pointer(&xTruncate), d.pointer(&xSync), d.pointer(&xClose)
	if own.FiVersion > 2 { // no memory maps, which write around the methods
		own.FiVersion = 2
	}
	return uintptr(unsafe.Pointer(own))
}

func (d *Disk) write(tls *libc.TLS, m *sqlite3.Tsqlite3_io_methods, pFile, pBuf uintptr, n int32, offset int64) int32 {
	d.mu.Lock()
	path := d.open[pFile]
	d.mu.Unlock()
	grows := false
	if info, err := os.Stat(path); err == nil {
		grows = offset+int64(n) > info.Size()
	}
	do := func(n int32) int32 {
		rc := call4(m.FxWrite)(tls, pFile, pBuf, n, offset)
		if rc == sqlite3.SQLITE_OK {
			data := append([]byte{}, unsafe.Slice(inC[byte](pBuf), n)...)
			d.mu.Lock()
			f := d.file(path)
			f.since = append(f.since, write{offset, data})
			d.mu.Unlock()
		}
		return rc
	}
	switch d.next(grows, false) {
	case carryOut:
		return do(n)
	case noRoom:
		return sqlite3.SQLITE_FULL
	case carryOutAndFail:
		do(n)
	case tear512:
		do(min(n, 512))
	case tear4096:
		do(min(n, 4096))
	}
	return sqlite3.SQLITE_IOERR_WRITE
}

func (d *Disk) truncate(tls *libc.TLS, m *sqlite3.Tsqlite3_io_methods, pFile uintptr, size int64) int32 {
	do := func() int32 {
		rc := call2(m.FxTruncate)(tls, pFile, size)
		if rc == sqlite3.SQLITE_OK {
			d.mu.Lock()
			f := d.file(d.open[pFile])
			f.since = append(f.since, write{at: size})
			d.mu.Unlock()
		}
		return rc
	}
	switch d.next(false, false) {
	case carryOut:
		return do()
	case carryOutAndFail:
		do()
	}
	return sqlite3.SQLITE_IOERR_TRUNCATE
}

func (d *Disk) sync(tls *libc.TLS, m *sqlite3.Tsqlite3_io_methods, pFile uintptr, flags int32) int32 {
	settle := func(lost bool) {
		d.mu.Lock()
		defer d.mu.Unlock()
		f := d.file(d.open[pFile])
		if !lost {
			for _, w := range f.since {
				f.durable = w.apply(f.durable)
			}
		}
		f.since = nil
	}
	switch d.next(false, true) {
	case carryOut:
		settle(false) // the kernel need not: no power is lost here
		return sqlite3.SQLITE_OK
	case carryOutAndFail:
		settle(false)
	case loseSync:
		settle(true)
	}
	return sqlite3.SQLITE_IOERR_FSYNC
}

func (d *Disk) xDelete(tls *libc.TLS, _, zName uintptr, dirSync int32) int32 {
	do := func() int32 {
		rc := call3(d.vfs.FxDelete)(tls, uintptr(unsafe.Pointer(d.vfs)), zName, dirSync)
		if rc == sqlite3.SQLITE_OK {
			d.mu.Lock()
			delete(d.files, libc.GoString(zName))
			d.mu.Unlock()
		}
		return rc
	}
	switch d.next(false, false) {
	case carryOut:
		return do()
	case carryOutAndFail:
		do()
	}
	return sqlite3.SQLITE_IOERR_DELETE
}

// inC returns what lies at an address of C memory.
func inC[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// The functions of the operating system's VFS, by how many arguments they have
// behind the first.

func call1(f uintptr) func(*libc.TLS, uintptr) int32 {
	return *(*func(*libc.TLS, uintptr) int32)(unsafe.Pointer(&struct{ uintptr }{f}))
}

func call2(f uintptr) func(*libc.TLS, uintptr, sqlite3.Tsqlite3_int64) int32 {
	return *(*func(*libc.TLS, uintptr, sqlite3.Tsqlite3_int64) int32)(unsafe.Pointer(&struct{ uintptr }{f}))
}

func call3(f uintptr) func(*libc.TLS, uintptr, uintptr, int32) int32 {
	return *(*func(*libc.TLS, uintptr, uintptr, int32) int32)(unsafe.Pointer(&struct{ uintptr }{f}))
}

func call4(f uintptr) func(*libc.TLS, uintptr, uintptr, int32, sqlite3.Tsqlite3_int64) int32 {
	return *(*func(*libc.TLS, uintptr, uintptr, int32, sqlite3.Tsqlite3_int64) int32)(unsafe.Pointer(&struct{ uintptr }{f}))
}

func call5(f uintptr) func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32 {
	return *(*func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32)(unsafe.Pointer(&struct{ uintptr }{f}))
}
