package agent

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

// home is an agent's state directory. It holds the agent's id, the counter of
// its starts, and the results and lines that no principal has acknowledged. A
// lock on it is held as long as the agent lives.
type home struct {
	dir         string
	name        string // as taken: the wanted one, or with a number
	id          string
	incarnation int64
	lock        *os.File
}

const mostOfAName = 100 // agents of one name on one data directory

// openHome takes the first of name, name-2, name-3 … that no living agent has,
// and begins a new incarnation there.
func openHome(agents, name string) (*home, error) {
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\x00\n") {
		return nil, fmt.Errorf("agent name %q: %w", name, ErrBadName)
	}
	for n := 1; n <= mostOfAName; n++ {
		taken := name
		if n > 1 {
			taken = fmt.Sprintf("%s-%d", name, n)
		}
		if len(taken) > wire.MaxName {
			return nil, fmt.Errorf("agent name %q: %w", taken, ErrBadName)
		}
		h := &home{dir: filepath.Join(agents, taken), name: taken}
		err := h.open()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open the state directory of agent %s: %w", taken, err)
		}
		return h, nil
	}
	return nil, fmt.Errorf("there are %d agents called %s on %s", mostOfAName, name, agents)
}

func (h *home) open() (err error) {
	for _, dir := range []string{h.dir, h.results(), h.spools(), h.temp()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if h.lock, err = os.OpenFile(filepath.Join(h.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			h.lock.Close()
		}
	}()
	if err := syscall.Flock(int(h.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return err
	}
	if err := h.identify(); err != nil {
		return err
	}
	return h.sweep()
}

// identify reads or makes the id, and counts this start. Both are on disk
// before anybody hears of them: an incarnation is never used twice.
func (h *home) identify() error {
	id, err := readIfThere(filepath.Join(h.dir, "id"))
	if err != nil {
		return err
	}
	if h.id = strings.TrimSpace(string(id)); h.id == "" {
		h.id = strings.ToLower(rand.Text()[:16])
		if err := replace(filepath.Join(h.dir, "id"), []byte(h.id+"\n"), true); err != nil {
			return err
		}
	}
	count := filepath.Join(h.dir, "incarnation")
	last, err := readIfThere(count)
	if err != nil {
		return err
	}
	if text := strings.TrimSpace(string(last)); text != "" {
		if h.incarnation, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("read %s: %w", count, err)
		}
	}
	h.incarnation++
	if err := replace(count, fmt.Appendf(nil, "%d\n", h.incarnation), true); err != nil {
		return err
	}
	return syncDir(h.dir)
}

// badSuffix is that of files that cannot be read, and are put aside for people.
const (
	badSuffix = ".bad"
	badTime   = 14 * 24 * time.Hour
)

// sweep removes what an agent that died left half done, files of its tasks and
// results, and what was put aside long ago.
func (h *home) sweep() error {
	left, err := list(h.temp(), "", "")
	if err != nil {
		return err
	}
	for _, path := range left {
		_ = os.RemoveAll(path) // a task may have made it into what cannot be removed
	}
	for _, s := range []struct {
		dir, suffix string
		age         time.Duration
	}{
		{h.results(), newSuffix, 0}, {h.results(), badSuffix, badTime}, {h.spools(), badSuffix, badTime},
	} {
		left, err := list(s.dir, "", s.suffix)
		if err != nil {
			return err
		}
		for _, path := range left {
			if info, err := os.Stat(path); s.age > 0 && (err != nil || time.Since(info.ModTime()) < s.age) {
				continue
			}
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// close lets another agent have the directory.
func (h *home) close() error { return h.lock.Close() }

func (h *home) results() string { return filepath.Join(h.dir, "results") }
func (h *home) spools() string  { return filepath.Join(h.dir, "spool") }
func (h *home) temp() string    { return filepath.Join(h.dir, "tmp") }

// record is a result on disk.
type record struct {
	Workflow string      `json:"workflow"`
	Result   wire.Result `json:"result"`
}

// keep makes a result survive the agent's death; harden makes it survive power
// loss too, and first the lines that it names, which costs a wait for the disk.
func (h *home) keep(r record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode a result: %w", err)
	}
	if err := replace(h.file(r.Result.Attempt), append(b, '\n'), false); err != nil {
		return fmt.Errorf("keep a result: %w", err)
	}
	return nil
}

func (h *home) harden(a wire.Attempt, lines []string) error {
	for _, path := range append(lines, h.file(a)) {
		if err := syncFile(path); err != nil {
			return err
		}
	}
	if len(lines) > 0 {
		if err := syncDir(h.spools()); err != nil {
			return err
		}
	}
	return syncDir(h.results())
}

// forget removes a result that was acknowledged or is not wanted.
func (h *home) forget(a wire.Attempt) error {
	err := os.Remove(h.file(a))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// kept returns the results of earlier incarnations. A file that cannot be read
// as one is told to skipped and put aside.
func (h *home) kept(skipped func(file string, err error)) ([]record, error) {
	files, err := list(h.results(), "", ".json")
	if err != nil {
		return nil, err
	}
	var all []record
	for _, file := range files {
		var r record
		b, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(b, &r)
		}
		if err != nil {
			skipped(file, errors.Join(err, os.Rename(file, file+badSuffix)))
			continue
		}
		all = append(all, r)
	}
	return all, nil
}

func (h *home) file(a wire.Attempt) string {
	return filepath.Join(h.results(), fileName(a)+".json")
}

// fileName names an attempt's files by a hash: a task's name may be longer
// than a file's.
func fileName(a wire.Attempt) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", a.Run, a.Task, a.Attempt))
	return hex.EncodeToString(sum[:12])
}

const newSuffix = ".new"

// replace replaces a file whole: whoever reads it finds the old text or the
// new one. With sync that holds over power loss as well.
func replace(path string, b []byte, sync bool) error {
	f, err := os.OpenFile(path+newSuffix, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && sync {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(path+newSuffix, path)
	}
	return err
}

// list returns the files in a directory whose names begin and end so, sorted.
func list(dir, prefix, suffix string) (paths []string, err error) {
	files, err := os.ReadDir(dir)
	for _, f := range files {
		if name := f.Name(); strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix) {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths, err
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// syncFile is for a file that may have been removed: then it was acknowledged
// meanwhile.
func syncFile(path string) error {
	err := syncDir(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func readIfThere(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}
