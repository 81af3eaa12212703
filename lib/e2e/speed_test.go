package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
)

// Not parallel: it has the machine to itself, as far as this package goes.
func TestRunOnAWarmPrincipalIsQuick(t *testing.T) {
	in := harness.New(t)
	in.Workflow("one.yml", "tasks: {a: {config: !Subprocess {cmd: 'true'}}}")
	in.StartPrincipal()
	in.Must("cdktr-run", "one")
	var took []time.Duration
	for range 21 {
		r := in.Run("cdktr-run", "one")
		if r.Code != 0 {
			t.Fatalf("%+v", r)
		}
		took = append(took, r.Took)
	}
	slices.Sort(took)
	median := took[len(took)/2]
	t.Logf("cdktr-run of one task: median %v, from %v to %v; the budget is 20ms", median, took[0], took[len(took)-1])
	if median > 500*time.Millisecond {
		t.Errorf("the median of %d runs is %v", len(took), median)
	}
}

func TestCommandsAreSmallAndHaveNoDuckDBInside(t *testing.T) {
	t.Parallel()
	const small = 8_000_000
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+"/", "../../cmd/cdktr-run", "../../cmd/cdktr-logs", "../../cmd/cdktr-listen")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"cdktr-run", "cdktr-logs", "cdktr-listen"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.1f MB", name, float64(info.Size())/1e6)
		if info.Size() >= small {
			t.Errorf("%s has %d bytes stripped, %d are allowed", name, info.Size(), small)
		}
	}
	// What DuckDB's own code says of itself; our comments and hints may name it.
	mark := []byte("duckdb_open")
	for _, name := range []string{"cdktr-run", "cdktr-agent", "cdktr-logs", "cdktr-listen", "cdktr-principal"} {
		deps, err := exec.Command("go", "list", "-deps", "../../cmd/"+name).Output()
		if err != nil {
			t.Fatal(err)
		}
		inside := strings.Contains(string(deps), "duckdb")
		program, err := os.ReadFile(harness.Bin(t, name))
		if err != nil {
			t.Fatal(err)
		}
		// The principal is there to see that the test can tell.
		if want := name == "cdktr-principal"; inside != want || bytes.Contains(program, mark) != want {
			t.Errorf("%s: DuckDB among its packages is %v, in the file %v; want %v", name, inside, bytes.Contains(program, mark), want)
		}
	}
}
