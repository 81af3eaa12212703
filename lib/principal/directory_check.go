package principal

import (
	"fmt"
	"path/filepath"

	"github.com/cdktr/cdktr/lib/workflow"
)

// Checked is the result of CheckFiles. Files are named as they were asked for.
type Checked struct {
	Files    int
	Errors   []workflow.Problem
	Warnings []workflow.Problem
}

// CheckFiles checks workflow files, and all those in directories. The error is
// about a path that cannot be looked at, an fs.ErrNotExist where there is none.
func CheckFiles(paths []string) (Checked, error) {
	var all Checked
	for _, name := range paths {
		found, isDir, err := scanPath(name)
		if err != nil {
			return all, fmt.Errorf("check: %w", err)
		}
		all.add(found, func(rel string) string {
			if isDir {
				return filepath.Join(name, filepath.FromSlash(rel))
			}
			return name
		})
	}
	return all, nil
}

func (c *Checked) add(found *found, show func(rel string) string) {
	for _, p := range found.problems {
		p.File = show(p.File)
		c.Errors = append(c.Errors, p)
	}
	files := map[string][]string{}
	for _, f := range found.files {
		c.Files++
		shown := show(f.rel)
		files[f.id] = append(files[f.id], shown)
		v := loadFile(f, shown)
		c.Errors = append(c.Errors, v.errors...)
		c.Warnings = append(c.Warnings, v.warnings...)
	}
	for _, id := range sortedKeys(files) {
		same := files[id]
		for i, file := range same {
			if len(same) > 1 {
				c.Errors = append(c.Errors, sameID(file, same[(i+1)%len(same)], id))
			}
		}
	}
}
