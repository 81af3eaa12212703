package harness

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// built is the directory of the commands, made when it is first asked for.
var built = sync.OnceValues(build)

// builtToFail is the directory of daemons that are built to die where
// $CDKTR_FAILPOINT says; see lib/failpoint.
var builtToFail = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(buildDir(), "failpoint")
	return dir, goBuild(dir, "-tags", "failpoint", "./cmd/cdktr-principal", "./cmd/cdktr-agent")
})

// atOnce is how many parallel tests run for each core: they wait, for the most
// part.
const atOnce = 4

// Main runs the tests of a package and removes what was built for them.
func Main(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", strconv.Itoa(atOnce*runtime.GOMAXPROCS(0))); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	code := m.Run()
	if err := os.RemoveAll(buildDir()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

// buildDir is this process's own.
func buildDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("cdktr-bin-%d", os.Getpid()))
}

func build() (string, error) {
	if dir := os.Getenv("CDKTR_BIN"); dir != "" {
		return filepath.Abs(dir)
	}
	return buildDir(), goBuild(buildDir(), "./cmd/...")
}

func goBuild(dir string, args ...string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	cmd := exec.Command("go", append([]string{"build", "-o", dir + "/"}, args...)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the commands: %w\n%s", err, out)
	}
	return nil
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// Bin is the path of one of the real commands.
func Bin(t testing.TB, name string) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}
