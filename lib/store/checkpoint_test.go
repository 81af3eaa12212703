package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

// A principal that is killed again and again replays at each start what it had
// written since the last rest, and not all that it ever wrote.
func TestWriteAheadFilesStaySmall(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := open(t, options(dir))
	day := time.Now().UTC().Format(dateLayout)
	files := []string{filepath.Join(dir, "app.db.wal"), filepath.Join(dir, "logs", day+".db.wal")}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	d := definition("etl.daily", "extract")
	most := map[string]int64{}
	for n := range 3 * mostCommits {
		must(t, s.Append(ctx, []run.Event{created(fmt.Sprintf("r%d", n), d, epoch)}))
		must(t, s.AppendLines(ctx, []wire.LogBatch{batch("r1", int64(n+1), epoch, "x")}))
		for _, path := range files {
			most[path] = max(most[path], size(path))
		}
		if n == mostCommits/2 {
			for _, path := range files {
				if size(path) == 0 {
					t.Errorf("%s is empty: the test shows nothing", path)
				}
			}
		}
	}
	for path, n := range most {
		if limit := int64(mostCommits * 900); n > limit {
			t.Errorf("%s grew to %d bytes, above %d", path, n, limit)
		}
	}
	for _, path := range files {
		for end := time.Now().Add(30 * time.Second); size(path) > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s has %d bytes, and nothing has been written for long", path, size(path))
			}
		}
	}
}
