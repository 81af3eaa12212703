package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"gopkg.in/yaml.v3"

	"github.com/cdktr/cdktr/lib/dotenv"
	"github.com/cdktr/cdktr/lib/plainfile"
	"github.com/cdktr/cdktr/lib/suggest"
)

// readDotEnv reads .env in the working directory. Names that are not settings
// belong to somebody else and are left alone.
func readDotEnv(env Env) ([]Setting, error) {
	name := filepath.Join(env.Dir, ".env")
	text, err := readSmall(name)
	if kind := (*plainfile.KindError)(nil); errors.As(err, &kind) || errors.Is(err, fs.ErrPermission) {
		return nil, nil // somebody else's, as in the directory of the user who ran sudo
	}
	if err != nil {
		return nil, err
	}
	var all []Setting
	for i, line := range strings.Split(string(text), "\n") {
		// Lines of other tools may be anything: only one that names a setting
		// can be wrong.
		key, value, _, err := dotenv.Line(line, env.Getenv)
		if !isSetting(key) {
			continue
		}
		if err != nil {
			return nil, Exitf(Config, "%s:%d: %w", name, i+1, err)
		}
		if value != "" {
			// As in a shell, the last one counts.
			all = append([]Setting{{key, value, fmt.Sprintf("%s:%d", name, i+1)}}, all...)
		}
	}
	return all, nil
}

// ConfigFile is the path of the user's config.yaml, which need not exist; empty
// where there is no home directory.
func (e Env) ConfigFile() string {
	base, home := e.getenv("XDG_CONFIG_HOME"), e.getenv("HOME")
	if !filepath.IsAbs(base) { // the XDG rules say: a relative one is ignored
		if home == "" {
			return ""
		}
		base = filepath.Join(home, ".config")
	}
	return filepath.Join(base, "cdktr", "config.yaml")
}

// SecretsFile is the path of the file with the values of secrets, which need
// not exist.
func (e Env) SecretsFile() string { return filepath.Join(e.Settings.Text(DataDir), "secrets.env") }

// readConfig reads config.yaml: settings by their names in lower case, without
// the CDKTR_ in front, and the principals that are known by a name. The file is
// ours alone, so an unknown key is a mistake.
func readConfig(env Env) (all []Setting, principals []Principal, err error) {
	name := env.ConfigFile()
	if name == "" {
		return nil, nil, nil
	}
	text, err := readSmall(name)
	if err != nil {
		return nil, nil, err
	}
	return parseSettings(name, text)
}

// parseSettings is readConfig of a text that was read.
func parseSettings(name string, text []byte) (all []Setting, principals []Principal, err error) {
	doc, err := parseConfig(name, text)
	if err != nil || doc.Kind == 0 {
		return nil, nil, err
	}
	top := doc.Content[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if key.Value == principalsKey {
			if principals, err = readPrincipals(name, value); err != nil {
				return nil, nil, err
			}
			continue
		}
		setting := "CDKTR_" + strings.ToUpper(key.Value)
		if !isSetting(setting) {
			return nil, nil, Exitf(Config, "%s:%d: unknown key %q%s", name, key.Line, key.Value, suggest.Hint(key.Value, configKeys()))
		}
		if value.Kind != yaml.ScalarNode {
			return nil, nil, Exitf(Config, "%s:%d: %s must be one value", name, value.Line, key.Value)
		}
		all = append(all, Setting{setting, value.Value, fmt.Sprintf("%s:%d", name, key.Line)})
	}
	return all, principals, nil
}

// parseConfig returns the document, which holds a mapping; it is the zero Node
// where there is nothing in it.
func parseConfig(name string, text []byte) (doc yaml.Node, err error) {
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return doc, Exitf(Config, "%s: %w", name, err)
	}
	if len(doc.Content) == 0 || doc.Content[0].ShortTag() == "!!null" {
		return yaml.Node{}, nil
	}
	if top := doc.Content[0]; top.Kind != yaml.MappingNode {
		return doc, Exitf(Config, "%s:%d: expected lines such as \"principal_port: 5561\"", name, top.Line)
	}
	return doc, nil
}

// maxSmall is the most that a file of settings may have, in bytes.
const maxSmall = 1 << 20

// readSmall reads a file that need not exist. A directory of that name is
// somebody else's: Python environments are called .env too.
func readSmall(name string) ([]byte, error) {
	text, err := plainfile.Read(name, maxSmall)
	var kind *plainfile.KindError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.As(err, &kind) && kind.Mode.IsDir():
		return nil, nil
	case err != nil:
		return nil, Exit(Config, err)
	}
	return text, nil
}

func isSetting(name string) bool {
	for _, row := range table {
		if row.name == name {
			return true
		}
	}
	return false
}

func configKeys() []string {
	keys := []string{principalsKey}
	for _, row := range table {
		keys = append(keys, strings.ToLower(strings.TrimPrefix(row.name, "CDKTR_")))
	}
	return keys
}
