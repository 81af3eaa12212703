package workflow

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWorkflowID bounds a workflow's id, in bytes.
const maxWorkflowID = 255

// IDFromPath returns the id of the workflow in a file, from its path relative
// to the workflow directory, with slashes: etl/daily.yml is etl.daily. It
// refuses paths that no workflow can have: other extensions, hidden files,
// paths that are not below the directory.
func IDFromPath(rel string) (string, error) {
	ext := path.Ext(rel)
	if ext != ".yml" && ext != ".yaml" {
		return "", errors.New("the name of a workflow file ends in .yml or .yaml")
	}
	base := strings.TrimSuffix(rel, ext)
	if !utf8.ValidString(base) || strings.ContainsFunc(base, unicode.IsControl) {
		return "", fmt.Errorf("the name %s: that of a workflow file is UTF-8 and has no control characters", quote(rel))
	}
	if strings.ContainsFunc(base, misleading) {
		return "", fmt.Errorf("the name %s: that of a workflow file has no characters that cannot be seen or turn text round", quote(rel))
	}
	for part := range strings.SplitSeq(base, "/") {
		if part == "" || strings.HasPrefix(part, ".") {
			return "", fmt.Errorf("%s is no path of a workflow: it is hidden or not below the directory", quote(rel))
		}
	}
	if len(base) > maxWorkflowID {
		return "", fmt.Errorf("a workflow's id has at most %d bytes", maxWorkflowID)
	}
	return strings.ReplaceAll(base, "/", "."), nil
}

// misleading finds what would make an id look like another one.
func misleading(r rune) bool {
	return r != '\u200c' && r != '\u200d' && unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}
