package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cdktr/cdktr/lib/task"
)

// ErrBeside tells that a principal's own agent lives already.
var ErrBeside = errors.New("the agent beside the principal lives already")

// ErrDrained tells that the agent that was adopted has left on somebody's order.
var ErrDrained = errors.New("the agent was drained")

// How the agent beside a principal tells that principal, its parent, why it has
// ended: with exit codes that no command has of its own. After any other end,
// 0 of a signal among them, the principal starts it again.
const (
	ExitDrained = 80 // on somebody's order: it stays away
	ExitBeside  = 81 // ErrBeside: the other one is to be adopted
)

// Beside is the place of the one agent that a principal starts for itself. The
// agent may outlive that principal; the next one finds it here. The file names
// the process, and at its end it may say that the agent was drained.
type Beside struct{ file *os.File }

// TakeBeside takes the place below the agents' directory, for as long as the
// process lives. The error is ErrBeside when it is taken.
func TakeBeside(agents string) (*Beside, error) {
	f, err := openBeside(agents)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrBeside
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	b := &Beside{f}
	if err := b.sign(""); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return b, nil
}

func openBeside(agents string) (*os.File, error) {
	if err := os.MkdirAll(agents, 0o700); err != nil {
		return nil, fmt.Errorf("make the agents' directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(agents, "beside.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the place beside the principal: %w", err)
	}
	return f, nil
}

const drainedWord = "drained"

func (b *Beside) sign(word string) error {
	_, err := b.file.WriteAt(placeText(task.Identify(os.Getpid()), word), 0)
	if err != nil {
		return fmt.Errorf("write %s: %w", b.file.Name(), err)
	}
	return nil
}

// placeSize is the length of the text in the place, always: so that one write
// replaces it whole.
const placeSize = 64

func placeText(id task.ID, word string) []byte {
	return fmt.Appendf(nil, "%-*s\n", placeSize-1, fmt.Sprintf("%d %d %s", id.PID, id.Start, word))
}

// Drained leaves word that the agent leaves on somebody's order: a principal
// that has adopted it is not its parent, and does not learn its exit code.
func (b *Beside) Drained() error { return b.sign(drainedWord) }

// Close gives the place up.
func (b *Beside) Close() error { return b.file.Close() }

// Adopt watches over the agent that has the place, and returns when it has
// ended; the error is ErrDrained where it was drained. When ctx ends first, it
// tells the agent to end, and kills it when that takes longer than grace.
func Adopt(ctx context.Context, agents string, grace time.Duration) error {
	f, err := openBeside(agents)
	if err != nil {
		return err
	}
	defer f.Close()
	if gone(ctx, f) {
		if _, word := readPlace(f); word == drainedWord {
			return ErrDrained
		}
		return nil
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := signalHolder(f, s); err != nil {
			return err
		}
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		ended := gone(limit, f)
		cancel()
		if ended {
			return nil
		}
	}
	return fmt.Errorf("the agent that holds %s does not end", f.Name())
}

// gone waits until nobody holds the lock; false: ctx ended before.
func gone(ctx context.Context, f *os.File) bool {
	// There is no way to wait for a lock that a context could end.
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for {
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return true
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false
		}
	}
}

// readPlace returns the process that the place names, or none, and its last
// word.
func readPlace(f *os.File) (id task.ID, word string) {
	text := make([]byte, placeSize)
	n, _ := f.ReadAt(text, 0)
	if _, err := fmt.Sscan(string(text[:n]), &id.PID, &id.Start); err != nil {
		return task.ID{}, ""
	}
	if fields := strings.Fields(string(text[:n])); len(fields) > 2 {
		word = fields[2]
	}
	return id, word
}

// signTime is how long a process may hold the lock without its name in the
// place: until then that has the name of the one before.
const signTime = 5 * time.Second

// signalHolder sends a signal to the process that holds the lock, if there is
// one, and to no stranger that has the number of an earlier one.
func signalHolder(f *os.File, s syscall.Signal) error {
	id, _ := readPlace(f)
	for limit := time.Now().Add(signTime); id.PID <= 1 || !id.Alive(); id, _ = readPlace(f) {
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return nil // it has ended
		}
		if time.Now().After(limit) {
			return fmt.Errorf("%s does not name the process that holds it", f.Name())
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := syscall.Kill(id.PID, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end the agent (process %d): %w", id.PID, err)
	}
	return nil
}
