package workflow

import (
	"strings"
	"testing"
)

func TestIDComesFromThePath(t *testing.T) {
	for path, want := range map[string]string{
		"hello.yml": "hello", "etl/daily.yml": "etl.daily", "a/b/c.yaml": "a.b.c", "etl.daily.yml": "etl.daily",
		"with space.yml": "with space", "grün.yml": "grün", "👩\u200d💻.yml": "👩\u200d💻",
	} {
		if got, err := IDFromPath(path); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", path, got, err, want)
		}
	}
	for _, path := range []string{
		"", "x", "x.txt", "x.yml~", "x.yml.swp", ".yml", ".hidden.yml", "a/.git/x.yml", "../x.yml", "/x.yml", "a//x.yml", "./x.yml",
		"a\nb.yml", "\x1b[31mred.yml", "turn\u202elmy.exe.yml", "a\u200bb.yml", "a\u2028b.yml", "\ufeffa.yml", "\xff.yml", strings.Repeat("x", 256) + ".yml", "x.YML",
	} {
		if id, err := IDFromPath(path); err == nil {
			t.Errorf("%q has the id %q", path, id)
		}
	}
}
