// Package dotenv reads the lines of files such as .env: NAME=VALUE. It knows
// neither the files nor the names.
package dotenv

import (
	"fmt"
	"os"
	"strings"
)

// Line reads one line: NAME=VALUE, perhaps after export. A value in single
// quotes is taken as it is; in double quotes or in none, $NAME and ${NAME} are
// replaced by what getenv says, and stay where getenv is nil; without quotes, a
// # after a blank begins a comment. ok is false for lines that are none of
// these, empty ones and comments too. With an error, the name is still told.
func Line(line string, getenv func(string) (string, bool)) (name, value string, ok bool, err error) {
	line = strings.TrimSpace(line)
	line = strings.TrimSpace(strings.TrimPrefix(line, "export "))
	name, value, ok = strings.Cut(line, "=")
	if !ok || strings.HasPrefix(line, "#") {
		return "", "", false, nil
	}
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if value != "" && (value[0] == '\'' || value[0] == '"') {
		quote := value[:1]
		inner, after, closed := strings.Cut(value[1:], quote)
		after = strings.TrimSpace(after)
		if !closed || (after != "" && after[0] != '#') {
			return name, "", true, fmt.Errorf("the quotes of %s do not match", name)
		}
		if quote == "'" {
			return name, inner, true, nil
		}
		return name, Expand(inner, getenv), true, nil
	}
	if strings.HasPrefix(value, "#") {
		value = ""
	}
	for _, comment := range []string{" #", "\t#"} {
		value, _, _ = strings.Cut(value, comment)
	}
	return name, Expand(strings.TrimSpace(value), getenv), true, nil
}

// Expand replaces $NAME and ${NAME} by what getenv says; with a nil one
// they stay.
func Expand(text string, getenv func(string) (string, bool)) string {
	if getenv == nil {
		return text
	}
	return os.Expand(text, func(name string) string {
		value, _ := getenv(name)
		return value
	})
}
