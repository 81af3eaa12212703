package principal

import (
	"errors"
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"

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
		data, err := readWorkflow(f.path)
		if err == nil {
			v := version{read: true}
			v.definition, v.errors, v.warnings = workflow.Parse(f.id, shown, data)
			return v
		}
		problem = reason(err)
	}
	return version{errors: []workflow.Problem{{File: shown, Message: problem}}}
}

// readWorkflow opens what was a regular file when it was looked at. It may have
// become anything since, so that opening it must not wait, and it is looked at
// again.
func readWorkflow(name string) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New(notRegular(info.Mode()))
	}
	// One byte more than allowed, so that Parse sees that it is too large.
	return io.ReadAll(io.LimitReader(file, workflow.MaxFile+1))
}
