package plainfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cdktr/cdktr/lib/plainfile"
)

func TestOnlyAFileIsReadAndNothingIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.WriteFile(in("file"), []byte("12345"), 0o600),
		os.WriteFile(in("large"), []byte("123456"), 0o600),
		os.Symlink("file", in("link")),
		os.Symlink("/dev/zero", in("zero")),
		os.Symlink("link-to-itself", in("link-to-itself")),
		syscall.Mkfifo(in("pipe"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{
		"file": "", "link": "", "large": "more than 5 bytes", ".": "this is a directory, not a file",
		"pipe": "this is a named pipe, not a file", "zero": "this is a device, not a file", "link-to-itself": "too many levels",
	} {
		text, err := plainfile.Read(in(name), 5)
		if says == "" {
			if err != nil || string(text) != "12345" {
				t.Errorf("%s: %q, %v", name, text, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %q, %v, want %q", name, text, err, says)
		}
	}
	if _, err := plainfile.Read(in("none"), 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
