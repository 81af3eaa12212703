package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/plainfile"
)

// cursorFile keeps the position up to which everything is printed, so that the
// next call goes on there. Invariant: what the file says has been flushed to
// stdout before. A call that is killed prints some records again, and none is
// lost.
//
// A nil *cursorFile is no file: it keeps nothing.
type cursorFile struct {
	name string // without links: it is replaced, not written
	of   string

	mu    sync.Mutex
	kept  int64 // what the file says; 0: there is none
	known int64 // what it may say
}

// cursor is the content of the file.
type cursor struct {
	Of  string `json:"of"` // output, events or runs
	Pos int64  `json:"pos"`
}

// maxCursor is far more than a cursor file has.
const maxCursor = 1 << 10

// saveEvery is how old the file may be while records go on coming.
const saveEvery = time.Second

// openCursorFile reads the file, if there is one, and makes sure that it can
// be replaced. An empty name means none.
func openCursorFile(env cli.Env, name, of string) (*cursorFile, error) {
	if name == "" {
		return nil, nil
	}
	c := &cursorFile{name: env.Path(name), of: of}
	if target, err := filepath.EvalSymlinks(c.name); err == nil {
		c.name = target
	}
	text, err := plainfile.Read(c.name, maxCursor)
	var kind *plainfile.KindError
	var system syscall.Errno
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.As(err, &kind):
		return nil, cli.Exitf(cli.BadInput, "--cursor-file %s: %w", name, kind)
	case errors.As(err, &system):
		return nil, cli.Exitf(cli.IO, "--cursor-file: %w", err)
	case err != nil || !c.parse(text): // the error: it is too long
		return nil, cli.Exitf(cli.BadInput, "--cursor-file %s: this is no cursor file; name another, or remove it to begin anew", name)
	case c.of != of:
		return nil, cli.Exitf(cli.BadInput, "--cursor-file %s: this is the cursor of %s, not of %s: each needs a file of its own", name, c.of, of)
	}
	f, err := c.temporary()
	if err != nil {
		return nil, cli.Exitf(cli.IO, "--cursor-file: %w", err)
	}
	return c, errors.Join(f.Close(), os.Remove(f.Name()))
}

func (c *cursorFile) parse(text []byte) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var v cursor
	if d.Decode(&v) != nil || d.More() || v.Pos <= 0 {
		return false
	}
	switch v.Of {
	case ofOutput, ofEvents, ofRuns:
	default:
		return false
	}
	c.of, c.kept, c.known = v.Of, v.Pos, v.Pos
	return true
}

// after is the position to go on from, 0 where nothing is kept.
func (c *cursorFile) after() int64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept
}

// check refuses a position that a history which ends at pos does not reach.
func (c *cursorFile) check(pos int64) error {
	if c == nil || c.after() <= pos {
		return nil
	}
	return cli.Exitf(cli.BadInput, "--cursor-file %s: it stands at position %d, and the history of this principal ends at %d: it is another principal's, or of a history that is gone; remove the file to begin anew", c.name, c.after(), pos)
}

// reached says that everything up to pos has been flushed.
func (c *cursorFile) reached(pos int64) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = max(c.known, pos)
}

// save replaces the file where it is behind.
func (c *cursorFile) save() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == c.kept {
		return nil
	}
	if err := c.replace(cursor{c.of, c.known}); err != nil {
		return cli.Exitf(cli.IO, "keep the cursor: %w", err)
	}
	c.kept = c.known
	return nil
}

// saveOften saves again and again until ctx ends, and returns why it stopped
// before.
func (c *cursorFile) saveOften(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := c.save(); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *cursorFile) replace(v cursor) error {
	f, err := c.temporary()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, `{"of":%q,"pos":%d}`+"\n", v.Of, v.Pos)
	// Without this a power loss may leave an empty file under the name.
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), c.name)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

func (c *cursorFile) temporary() (*os.File, error) {
	return os.CreateTemp(filepath.Dir(c.name), "."+filepath.Base(c.name)+".*")
}
