package agent

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/task"
)

func TestAdopterLearnsThatItsAgentWasDrained(t *testing.T) {
	t.Parallel()
	for _, drained := range []bool{false, true} {
		dir := t.TempDir()
		place, err := TakeBeside(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := TakeBeside(dir); !errors.Is(err, ErrBeside) {
			t.Fatal(err)
		}
		adopted := make(chan error, 1)
		go func() { adopted <- Adopt(context.Background(), dir, time.Minute) }()
		if drained {
			if err := place.Drained(); err != nil {
				t.Fatal(err)
			}
		}
		if err := place.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-adopted; errors.Is(err, ErrDrained) != drained || !drained && err != nil {
			t.Errorf("drained %v: %v", drained, err)
		}
	}
}

// The word of a drained agent is about that one only.
func TestNextAgentTakesThePlaceAnew(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []error{ErrDrained, nil} {
		place, err := TakeBeside(dir)
		if err != nil {
			t.Fatal(err)
		}
		if want != nil {
			if err := place.Drained(); err != nil {
				t.Fatal(err)
			}
		}
		if err := place.Close(); err != nil {
			t.Fatal(err)
		}
		if err := Adopt(context.Background(), dir, time.Minute); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// The agent that holds the place has not written its name yet: the place has
// that of one that is dead, and its number is a stranger's by now.
func TestAdopterEndsTheHolderAndNoStranger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f, err := openBeside(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sleep", "1000")
	cmd.ExtraFiles = []*os.File{f} // and with it the lock
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer cmd.Process.Kill()
	stranger := bystander(t)
	sign := func(id task.ID) {
		if _, err := f.WriteAt(placeText(id, ""), 0); err != nil {
			t.Fatal(err)
		}
	}
	sign(task.ID{PID: stranger.PID, Start: stranger.Start - 1})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	adopted := make(chan error, 1)
	go func() { adopted <- Adopt(over, dir, 20*time.Second) }()
	select {
	case err := <-adopted:
		t.Errorf("gave up: %v", err)
	case <-time.After(50 * time.Millisecond): // it reads the place, at least once
	}
	sign(task.Identify(cmd.Process.Pid))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-adopted; err != nil {
		t.Error(err)
	}
	if !stranger.Alive() {
		t.Error("a stranger was ended")
	}
	if err := <-ended; err == nil {
		t.Error("the holder was not ended")
	}
}
