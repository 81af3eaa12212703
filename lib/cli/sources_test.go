package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whatever has the name of a file of settings, no command waits for it.
func TestFileOfSettingsThatIsNone(t *testing.T) {
	pipe := func(name string) error {
		return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), syscall.Mkfifo(name, 0o600))
	}
	device := func(name string) error {
		return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.Symlink("/dev/zero", name))
	}
	directory := func(name string) error { return os.MkdirAll(name, 0o700) }
	large := func(name string) error {
		return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, make([]byte, maxSmall+1), 0o600))
	}
	for name, c := range map[string]struct {
		put    func(name string) error
		config bool
		code   int
		says   string
	}{
		".env is a pipe":             {put: pipe},
		".env is a device":           {put: device},
		".env is a directory":        {put: directory},
		".env is large":              {large, false, Config, ".env has more than"},
		"config.yaml is a pipe":      {pipe, true, Config, "config.yaml: this is a named pipe, not a file"},
		"config.yaml is a device":    {device, true, Config, "config.yaml: this is a device, not a file"},
		"config.yaml is a directory": {put: directory, config: true},
		"config.yaml is large":       {large, true, Config, "config.yaml has more than"},
	} {
		w := newWorld(t)
		file := filepath.Join(w.Dir, ".env")
		if c.config {
			file = w.ConfigFile()
		}
		if err := c.put(file); err != nil {
			t.Fatal(err)
		}
		code := testCommand(nothing).Run(t.Context(), w.Env, nil)
		if code != c.code || !strings.Contains(w.err.String(), c.says) || c.code == OK && w.err.Len() > 0 {
			t.Errorf("%s: exit %d, want %d: %s", name, code, c.code, &w.err)
		}
	}
}

// A command that was started with sudo runs where its user cannot read.
func TestForbiddenDotEnvIsSomebodyElses(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything; the steps for a service are tested with another user")
	}
	w := newWorld(t)
	for file, want := range map[string]int{filepath.Join(w.Dir, ".env"): OK, w.ConfigFile(): Config} {
		write(t, file, "x")
		if err := os.Chmod(file, 0); err != nil {
			t.Fatal(err)
		}
		if code := testCommand(nothing).Run(t.Context(), w.Env, nil); code != want {
			t.Errorf("%s: exit %d, want %d: %s", file, code, want, &w.err)
		}
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	never := make(chan struct{})
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := Await(ctx, func() (int, error) { <-never; return 1, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting in vain: %v", err)
	}
	close(never)
	if n, err := Await(t.Context(), func() (int, error) { return 7, os.ErrExist }); n != 7 || err != os.ErrExist {
		t.Errorf("got %d, %v", n, err)
	}
}
