//go:build failpoint

package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// plan is what CDKTR_FAILPOINT asks for; it lives as long as the process.
var plan = parse(os.Getenv("CDKTR_FAILPOINT"))

type wanted struct {
	name string
	left atomic.Int64
}

func parse(text string) *wanted {
	name, count, ok := strings.Cut(text, ":")
	w := &wanted{name: name}
	w.left.Store(1)
	if ok {
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil || n < 1 {
			panic("CDKTR_FAILPOINT must be name:N, not " + strconv.Quote(text))
		}
		w.left.Store(n)
	}
	return w
}

// Hit kills the process if the plan says so.
func Hit(name string) {
	if name == plan.name && plan.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way: nothing after this place may happen
	}
}
