package task

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/cdktr/cdktr/lib/wire"
)

// command is a spec made ready for the system.
type command struct {
	path   string
	argv   []string
	dir    string // absolute
	env    []string
	script string // temporary file that argv names, or empty
	shown  string // what runs, for people
}

// resolve finds out what a spec means on this machine.
func resolve(spec wire.Spec, secrets map[string]string, tempDir string) (command, error) {
	var c command
	dir, err := filepath.Abs(spec.Dir)
	if err != nil {
		return c, fmt.Errorf("working directory %q: %w", spec.Dir, err)
	}
	if err := isDir(dir); err != nil {
		return c, fmt.Errorf("working directory %s: %w", dir, err)
	}
	c.dir = dir
	c.env = environment(spec.Env, secrets, dir)

	switch {
	case spec.Script != nil:
		err = c.shell(spec, tempDir)
	case spec.Uv != nil:
		err = c.uv(spec.Uv)
	case len(spec.Argv) > 0 && spec.Argv[0] != "":
		c.argv = spec.Argv
		c.path, err = c.find(spec.Argv[0])
	default:
		err = errors.New("there is no command to run")
	}
	if err != nil {
		return c, err
	}
	if c.shown == "" {
		c.shown = shown(c.argv)
	}
	for _, s := range slices.Concat(c.argv, c.env) {
		if strings.ContainsRune(s, 0) {
			return c, fmt.Errorf("%s: an argument or a variable contains a NUL byte", c.argv[0])
		}
	}
	return c, nil
}

// shell makes argv from a script. An empty Shell means bash with the options
// that stop at the first mistake, or sh where there is no bash.
func (c *command) shell(spec wire.Spec, tempDir string) (err error) {
	words := strings.Fields(spec.Shell)
	if len(words) == 0 {
		words = []string{"bash", "-euo", "pipefail"}
		if _, err := c.find("bash"); err != nil {
			words = []string{"sh", "-eu"}
		}
	}
	if c.path, err = c.find(words[0]); err != nil {
		return err
	}
	c.shown = "a script for " + strings.Join(words, " ")
	c.script, err = writeScript(tempDir, *spec.Script)
	c.argv = append(words, c.script)
	return err
}

func (c *command) uv(uv *wire.UvSpec) (err error) {
	name := uv.Path
	if name == "" {
		name = "uv"
	}
	if c.path, err = c.find(name); err != nil {
		return fmt.Errorf("%w (install uv, or set uv_path)", err)
	}
	c.argv = []string{name, "run"}
	if !uv.IsProject {
		for _, p := range uv.Packages {
			c.argv = append(c.argv, "--with", p)
		}
	}
	c.argv = append(c.argv, uv.Script)
	return nil
}

// find finds a program as a shell in the task's directory and with the task's
// environment would: a name with a slash is a path, any other is on PATH.
func (c *command) find(name string) (string, error) {
	if strings.Contains(name, "/") {
		path := under(c.dir, name)
		if err := isProgram(path); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		return path, nil
	}
	for _, dir := range filepath.SplitList(c.lookup("PATH")) {
		path := under(c.dir, filepath.Join(dir, name))
		if isProgram(path) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: not found on PATH", name)
}

// lookup returns the value of a variable: the last one counts.
func (c *command) lookup(name string) string {
	for _, entry := range slices.Backward(c.env) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// explain says why the system refused to start the command.
func (c *command) explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%s: the system cannot run this file (a script needs a first line like #!/bin/sh)", c.argv[0])
	case errors.Is(err, syscall.ENOENT):
		return fmt.Errorf("%s: the interpreter that the file asks for does not exist", c.argv[0])
	case errors.Is(err, syscall.E2BIG):
		return fmt.Errorf("%s: its arguments and environment are too large for the system", c.argv[0])
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return fmt.Errorf("start %s: %w", c.argv[0], err)
}

// environment is the agent's own with the secrets and the task's on top: of a
// name that comes again the last one counts.
func environment(own, secrets map[string]string, dir string) []string {
	env := append(os.Environ(), "PWD="+dir)
	for _, more := range []map[string]string{secrets, own} {
		for name, value := range more {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// under keeps the path's dots: what they mean is the system's to say, where
// there are symbolic links.
func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return dir + "/" + path
}

func isDir(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return plain(err)
	case !info.IsDir():
		return errors.New("not a directory")
	}
	return nil
}

func isProgram(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return plain(err)
	case info.IsDir():
		return errors.New("is a directory")
	case info.Mode()&0o111 == 0:
		return errors.New("is not executable (chmod +x)")
	}
	return nil
}

// plain is what went wrong without the call and the path.
func plain(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// writeScript makes a file that only this user reads.
func writeScript(dir, text string) (string, error) {
	f, err := os.CreateTemp(dir, "cdktr-script-")
	if err != nil {
		return "", fmt.Errorf("write the script to a file: %w", err)
	}
	_, err = f.WriteString(text)
	if e := f.Chmod(0o700); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("write the script to a file: %w", err)
	}
	return f.Name(), nil
}

// shown is a command line for people, cut where it is long.
func shown(argv []string) string {
	const most = 200
	line := strings.Join(argv, " ")
	if len(line) > most {
		line = line[:most] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, line)
}
