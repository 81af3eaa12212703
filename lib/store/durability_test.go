package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// files reads a directory tree whole.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[name] = string(content)
		return err
	}))
	return found
}

func copyTo(t testing.TB, dir string, content map[string]string) {
	t.Helper()
	for name, text := range content {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// abandoned is a history as kill -9 leaves it: the files of a store that was
// never closed.
func abandoned(t *testing.T, fill func(*Store)) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, options(dir))
	fill(s)
	// DuckDB's own lock does not survive reading its files from here; the
	// copy is what is looked at.
	left := files(t, dir)
	must(t, s.Close())
	at := t.TempDir()
	copyTo(t, at, left)
	return at
}

func TestAcknowledgedHistorySurvivesKill(t *testing.T) {
	dir := t.TempDir()
	acked := 0
	for round := 0; round < 8 || acked < 20 && round < 40; round++ { // more where the disk is slow
		cmd := exec.Command(os.Args[0], "-test.run=^TestWriterUntilKilled$")
		cmd.Env = append(os.Environ(), "STORE_WRITER="+dir, fmt.Sprintf("STORE_FROM=%d", acked))
		var out bytes.Buffer
		cmd.Stdout = &out
		cmd.Stderr = os.Stderr
		must(t, cmd.Start())
		deadline := time.Now().Add(time.Duration(60+37*round) * time.Millisecond)
		time.Sleep(time.Until(deadline)) // the moment of death is arbitrary on purpose
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
		for line := range strings.Lines(out.String()) {
			var n int
			if strings.HasSuffix(line, "\n") {
				if _, err := fmt.Sscanf(line, "acked %d\n", &n); err == nil {
					acked = max(acked, n)
				}
			}
		}
		s := open(t, options(dir))
		ctx := context.Background()
		events := 0
		must(t, s.Replay(ctx, func(e run.Event) error {
			events++
			return nil
		}))
		last, err := s.LastLines(ctx, []string{"r1"})
		must(t, err)
		lines := last[wire.StreamID{Run: "r1", Task: "extract", Attempt: 1, Stream: "stdout"}]
		if events < acked || lines < int64(acked) {
			t.Fatalf("round %d: %d acknowledged, %d events and %d lines are there", round, acked, events, lines)
		}
		acked = max(acked, int(lines)) // what is there but was not acknowledged is not written again
		must(t, s.Close())
	}
	if acked < 20 {
		t.Errorf("only %d were written: the test shows little", acked)
	}
}

// TestWriterUntilKilled is the child of the test above.
func TestWriterUntilKilled(t *testing.T) {
	dir := os.Getenv("STORE_WRITER")
	if dir == "" {
		t.Skip("runs as a child only")
	}
	var from int
	_, _ = fmt.Sscan(os.Getenv("STORE_FROM"), &from)
	s := open(t, options(dir))
	d := definition("etl.daily", "extract")
	for n := from + 1; ; n++ {
		e := leased("r1", d.ID, "extract", n, epoch)
		if n == 1 {
			e = created("r1", d, epoch)
		}
		must(t, s.Append(context.Background(), []run.Event{e}))
		must(t, s.AppendLines(context.Background(), []wire.LogBatch{batch("r1", int64(n), epoch, "x")}))
		fmt.Printf("acked %d\n", n)
	}
}

func TestLossOfAcknowledgedHistoryIsRefusedWithNumbers(t *testing.T) {
	ctx := context.Background()
	d := definition("etl.daily", "extract")
	three := func(s *Store) {
		for n := range 3 {
			must(t, s.Append(ctx, []run.Event{created(fmt.Sprintf("r%d", n), d, epoch)}))
			must(t, s.AppendLines(ctx, []wire.LogBatch{batch("r1", int64(n+1), epoch, "x")}))
		}
	}
	day := time.Now().UTC().Format(dateLayout)
	cut := func(t *testing.T, path string) {
		info, err := os.Stat(path)
		must(t, err)
		must(t, os.Truncate(path, info.Size()-7))
	}
	cases := map[string]struct {
		damage func(t *testing.T, dir string)
		want   MissingError
	}{
		"write-ahead file of the state cut": {
			func(t *testing.T, dir string) { cut(t, filepath.Join(dir, "app.db.wal")) },
			MissingError{What: "events", Acked: 5, Found: 3},
		},
		"write-ahead file of the lines cut": {
			func(t *testing.T, dir string) { cut(t, filepath.Join(dir, "logs", day+".db.wal")) },
			MissingError{What: "lines", Acked: 6, Found: 4},
		},
		"write-ahead file of the state gone": {
			func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "app.db.wal"))) },
			MissingError{What: "events", Acked: 5, Found: 0},
		},
		"the day's log file gone": {
			func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "logs"))) },
			MissingError{What: "lines", Acked: 6, Found: 0},
		},
		"the database gone": {
			func(t *testing.T, dir string) {
				must(t, os.Remove(filepath.Join(dir, "app.db")))
				must(t, os.Remove(filepath.Join(dir, "app.db.wal")))
			},
			MissingError{What: "events", Acked: 5, Found: 0},
		},
		"the side file gone": {
			func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, "app.db.acked"))) },
			MissingError{What: unknownLoss, Acked: 0, Found: 5},
		},
		"the side file of another database": {
			func(t *testing.T, dir string) {
				other := abandoned(t, three)
				copyTo(t, dir, map[string]string{"app.db.acked": files(t, other)["app.db.acked"]})
			},
			MissingError{What: unknownLoss, Acked: 0, Found: 5},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := abandoned(t, three)
			c.damage(t, dir)
			before := files(t, dir)
			o := options(dir)
			_, err := Open(ctx, o)
			var missing *MissingError
			if !errors.As(err, &missing) || !errors.Is(err, ErrMissing) {
				t.Fatalf("open: %v", err)
			}
			c.want.Path = o.Path
			if *missing != c.want {
				t.Errorf("got %+v, want %+v", *missing, c.want)
			}
			after := files(t, dir)
			for name, content := range before {
				if name != "app.db.acked" && after[name] != content {
					t.Errorf("%s was changed by an open that was refused", name)
				}
			}

			o.AcceptLoss = true
			must(t, open(t, o).Close()) // nothing is written
			o.AcceptLoss = false
			s := open(t, o)
			more := []run.Event{created("r9", d, epoch)}
			must(t, s.Append(ctx, more))
			if more[0].Pos != 7 {
				t.Errorf("the next position is %d: positions must go on above all that were acknowledged", more[0].Pos)
			}
			var noted string
			must(t, s.db.QueryRow("SELECT value FROM app.meta WHERE name = 'loss'").Scan(&noted))
			if !strings.Contains(noted, fmt.Sprint(c.want.Found)) {
				t.Errorf("the note of the loss is %q", noted)
			}
			must(t, s.Close())
			must(t, open(t, o).Close())
		})
	}
}

func TestOldDatabasePutBackIsRefused(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	d := definition("etl.daily", "extract")
	s := open(t, options(dir))
	must(t, s.Append(ctx, []run.Event{created("r1", d, epoch)}))
	must(t, s.Close())
	old := files(t, dir)["app.db"]
	s = open(t, options(dir))
	must(t, s.Append(ctx, []run.Event{created("r2", d, epoch)}))
	must(t, s.Close())
	must(t, os.WriteFile(filepath.Join(dir, "app.db"), []byte(old), 0o600))

	_, err := Open(ctx, options(dir))
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "position 2 was acknowledged, the history ends at 1") {
		t.Fatal(err)
	}
}

func TestTornSideFileFallsBackToTheOtherPlace(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	d := definition("etl.daily", "extract")
	s := open(t, options(dir))
	must(t, s.Append(ctx, []run.Event{created("r1", d, epoch)}))
	must(t, s.Append(ctx, []run.Event{created("r2", d, epoch)}))
	at := ackedOffset(eventWriter, s.acked.turn[eventWriter])
	must(t, s.Close())
	f, err := os.OpenFile(filepath.Join(dir, "app.db.acked"), os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("torn"), at+30)
	must(t, err)
	must(t, f.Close())

	s = open(t, options(dir))
	if got := s.acked.marks[eventWriter].Pos; got != 1 {
		t.Errorf("the mark is %d, want that of the commit before, 1", got)
	}
}

func TestForeignDatabaseIsRefusedAndNotTouched(t *testing.T) {
	ctx := context.Background()
	make := map[string]func(t *testing.T, path string){
		"an older program's database": func(t *testing.T, path string) {
			s := &Store{opts: options(filepath.Dir(path))}
			must(t, s.opts.complete())
			connector, err := instance(s.opts)
			must(t, err)
			c, err := connect(ctx, connector)
			must(t, err)
			for _, sql := range []string{"ATTACH '" + path + "' AS old", "CREATE TABLE old.logstore (message VARCHAR)", "INSERT INTO old.logstore VALUES ('x')", "DETACH old"} {
				_, err := c.conn.ExecContext(ctx, sql, nil)
				must(t, err)
			}
			must(t, c.conn.Close())
			must(t, connector.Close())
		},
		"a meta table of its own": func(t *testing.T, path string) {
			s := &Store{opts: options(filepath.Dir(path))}
			must(t, s.opts.complete())
			connector, err := instance(s.opts)
			must(t, err)
			c, err := connect(ctx, connector)
			must(t, err)
			for _, sql := range []string{"ATTACH '" + path + "' AS old", "CREATE TABLE old.meta (name INTEGER, value INTEGER)", "INSERT INTO old.meta VALUES (1, 2)", "DETACH old"} {
				_, err := c.conn.ExecContext(ctx, sql, nil)
				must(t, err)
			}
			must(t, c.conn.Close())
			must(t, connector.Close())
		},
		"no database at all": func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte(strings.Repeat("hello\n", 4000)), 0o600))
		},
		"an empty file": func(t *testing.T, path string) { must(t, os.WriteFile(path, nil, 0o600)) },
	}
	for name, put := range make {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o := options(dir)
			put(t, o.Path)
			before := files(t, dir)
			for _, o.AcceptLoss = range []bool{false, true} {
				_, err := Open(ctx, o)
				if !errors.Is(err, ErrForeign) {
					t.Fatalf("open: %v", err)
				}
				if got := files(t, dir); fmt.Sprint(got) != fmt.Sprint(before) {
					t.Error("the directory is not as it was")
				}
			}
		})
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, options(dir))
	_, err := s.db.Exec("UPDATE app.meta SET value = '2' WHERE name = 'schema'")
	must(t, err)
	must(t, s.Close())
	if _, err := Open(context.Background(), options(dir)); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "schema version 2") {
		t.Fatal(err)
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, options(dir))
	_, err := Open(context.Background(), options(dir))
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() {
		t.Fatalf("open: %v", err)
	}
	d := definition("etl.daily", "extract")
	must(t, s.Append(context.Background(), []run.Event{created("r1", d, epoch)}))
	must(t, s.Close())
	must(t, open(t, options(dir)).Close())
}

func TestUnwritableDirectoryIsADiskError(t *testing.T) {
	if syscall.Getuid() == 0 {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "logs"), nil, 0o600)) // a file in the way, for root too
		if _, err := Open(context.Background(), options(dir)); !errors.Is(err, ErrDisk) {
			t.Fatal(err)
		}
		return
	}
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o500))
	if _, err := Open(context.Background(), options(dir)); !errors.Is(err, ErrDisk) {
		t.Fatal(err)
	}
}
