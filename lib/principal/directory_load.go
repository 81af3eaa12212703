package principal

import (
	"runtime"
	"sync"

	"github.com/cdktr/cdktr/lib/workfile"
	"github.com/cdktr/cdktr/lib/workflow"
)

// version is what reading a file once gave.
type version struct {
	definition *workflow.Definition
	errors     []workflow.Problem
	warnings   []workflow.Problem
	read       bool // the file's bytes were seen
}

// loadFiles reads and parses the files, as many at once as there are cores,
// and returns when all are done.
func loadFiles(files []foundFile) []version {
	versions := make([]version, len(files))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Go(func() {
			for i := range next {
				versions[i] = loadFile(files[i], files[i].rel)
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	workers.Wait()
	return versions
}

// loadFile reads and parses one file, which messages call shown.
func loadFile(f foundFile, shown string) version {
	problem := f.problem
	if problem == "" {
		data, err := workfile.Read(f.path)
		if err == nil {
			v := version{read: true}
			v.definition, v.errors, v.warnings = workflow.Parse(f.id, shown, data)
			return v
		}
		problem = reason(err)
	}
	return version{errors: []workflow.Problem{{File: shown, Message: problem}}}
}
