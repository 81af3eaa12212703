package task

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"
)

// OutputVariable names the file to which a task writes its outputs.
const OutputVariable = "CDKTR_OUTPUT"

// maxOutputs is how much a task may hand on, in bytes of that file.
const maxOutputs = 64 << 10

// newOutputFile makes an empty file that only this user reads and writes.
func newOutputFile(dir string) (path string, err error) {
	f, err := os.CreateTemp(dir, "cdktr-output-")
	if err != nil {
		return "", fmt.Errorf("make the file for outputs: %w", err)
	}
	// The task may have another working directory.
	if path, err = filepath.Abs(f.Name()); err == nil {
		err = f.Close()
	}
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("make the file for outputs: %w", err)
	}
	return path, nil
}

// readOutputs reads what a task has left under the name of its file, which may
// be anything by now. No file is no outputs.
func readOutputs(path string) (map[string]string, error) {
	text, err := readOwn(path, maxOutputs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("$%s: %w", OutputVariable, err)
	}
	return parseOutputs(text)
}

// readOwn reads a regular file of at most so many bytes. It neither waits for
// anything else under the name nor follows a link.
func readOwn(path string, most int) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, plain(err)
	}
	if !info.Mode().IsRegular() { // opening a device may do something already
		return nil, errNoFile
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, plain(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	text, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, plain(err)
	}
	if len(text) > most {
		return nil, fmt.Errorf("more than %d bytes", most)
	}
	return text, nil
}

var errNoFile = errors.New("something else is there in place of the file")

// parseOutputs reads lines NAME=VALUE. Of a name that comes again the last one
// counts. Errors do not quote the text: it may hold a secret.
func parseOutputs(text []byte) (map[string]string, error) {
	var all map[string]string
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		switch {
		case !ok:
			return nil, fmt.Errorf("$%s, line %d: not NAME=VALUE", OutputVariable, number)
		case !isVariable(name):
			return nil, fmt.Errorf("$%s, line %d: the name before the = must be letters, digits and _, no digit first", OutputVariable, number)
		case strings.ContainsRune(value, 0):
			return nil, fmt.Errorf("$%s, line %d: the value holds a NUL byte", OutputVariable, number)
		case !utf8.ValidString(value):
			return nil, fmt.Errorf("$%s, line %d: the value is not UTF-8", OutputVariable, number)
		}
		if all == nil {
			all = map[string]string{}
		}
		all[name] = value
	}
	return all, nil
}

func isVariable(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
