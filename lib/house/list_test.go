package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cdktr/cdktr"

// pkg is what `go list -json` tells of a package.
type pkg struct {
	ImportPath                         string
	Dir, Name, Doc                     string
	GoFiles, CgoFiles                  []string
	TestGoFiles, XTestGoFiles          []string
	Imports, TestImports, XTestImports []string
}

// short is the path under the module: lib/run.
func (p pkg) short() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// all are the imports of the package with its tests'.
func (p pkg) all() []string {
	return slices.Concat(p.Imports, p.TestImports, p.XTestImports)
}

// list runs go list, with the tests' failpoints off and on: a package has the
// files and imports of both, so that none escapes.
func list(t *testing.T, patterns ...string) []pkg {
	t.Helper()
	var pkgs []pkg
	for _, tags := range []string{"", "failpoint"} {
		args := append([]string{"list", "-e", "-json", "-tags", tags}, patterns...)
		dec := json.NewDecoder(bytes.NewReader(golist(t, args...)))
		for {
			var p pkg
			err := dec.Decode(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(pkgs, func(q pkg) bool { return q.ImportPath == p.ImportPath })
			if i < 0 {
				pkgs = append(pkgs, p)
				continue
			}
			pkgs[i].GoFiles = union(pkgs[i].GoFiles, p.GoFiles)
			pkgs[i].Imports = union(pkgs[i].Imports, p.Imports)
			pkgs[i].TestImports = union(pkgs[i].TestImports, p.TestImports)
			pkgs[i].XTestImports = union(pkgs[i].XTestImports, p.XTestImports)
		}
	}
	return pkgs
}

func union(a, b []string) []string {
	u := slices.Concat(a, b)
	slices.Sort(u)
	return slices.Compact(u)
}

// deps are all packages that end up in a binary, or with -test in its tests.
func deps(t *testing.T, args ...string) []string {
	t.Helper()
	return strings.Fields(string(golist(t, append([]string{"list", "-e", "-deps"}, args...)...)))
}

func golist(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// within tells whether an import is one of the paths or below one.
func within(path string, parents ...string) bool {
	for _, parent := range parents {
		if path == parent || strings.HasPrefix(path, parent+"/") {
			return true
		}
	}
	return false
}
