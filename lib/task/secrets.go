package task

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/cdktr/cdktr/lib/dotenv"
	"github.com/cdktr/cdktr/lib/plainfile"
)

// Secrets is where the values of secrets are: in this process's environment,
// else in a file of NAME=VALUE lines.
type Secrets struct {
	Agent string // whose they are, for people
	File  string // need not exist; empty: there is none
}

// Values returns the values of the names. The file is read each time, so that a
// change counts at once, and only where the environment is not enough. An error
// never tells a value.
func (s Secrets) Values(names []string) (map[string]string, error) {
	values := map[string]string{}
	var missing []string
	for _, name := range names {
		value, ok := os.LookupEnv(name)
		if !ok {
			missing = append(missing, name)
			continue
		}
		values[name] = value
	}
	if len(missing) == 0 {
		return values, nil
	}
	inFile, err := s.read()
	if err != nil {
		return nil, fmt.Errorf("%s from %s: %w", named(missing), s.File, err)
	}
	missing = slices.DeleteFunc(missing, func(name string) bool {
		value, ok := inFile[name]
		if ok {
			values[name] = value
		}
		return ok
	})
	if len(missing) == 0 {
		return values, nil
	}
	verb, where := "is", "environment"
	if len(missing) > 1 {
		verb = "are"
	}
	if s.File != "" {
		where += " or " + s.File
	}
	return nil, fmt.Errorf("%s %s not set on agent %s (%s)", named(missing), verb, s.Agent, where)
}

func named(names []string) string {
	if len(names) == 1 {
		return "secret " + names[0]
	}
	return "secrets " + strings.Join(names, ", ")
}

// maxSecrets is the most that the file may have, in bytes.
const maxSecrets = 1 << 20

// read reads the file. A $ in it stands for itself: passwords have such.
func (s Secrets) read() (map[string]string, error) {
	if s.File == "" {
		return nil, nil
	}
	file, err := plainfile.Open(s.File)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case err != nil:
		return nil, plain(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, plain(err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("others may read it (mode %04o): chmod 600 %s", mode, s.File)
	}
	text, err := plainfile.ReadFrom(file, maxSecrets)
	if err != nil {
		return nil, plain(err)
	}
	values := map[string]string{}
	for i, line := range strings.Split(string(text), "\n") {
		name, value, ok, err := dotenv.Line(line, nil)
		switch blank := strings.TrimSpace(line); {
		case err != nil:
			return nil, fmt.Errorf("line %d: the quotes do not match", i+1)
		case ok && isVariable(name):
			values[name] = value
		case blank != "" && blank[0] != '#':
			return nil, fmt.Errorf("line %d: not NAME=VALUE", i+1)
		}
	}
	return values, nil
}
