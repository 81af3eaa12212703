package principal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/cdktr/cdktr/lib/wire"
)

// TakenError tells that another principal has the data directory.
type TakenError struct {
	Dir string
	PID int // 0: not known
}

func (e *TakenError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("a principal already runs on %s (%s)", e.Dir, who)
}

// Home is a data directory that this process alone uses.
type Home struct {
	dir  string
	lock *os.File
}

const lockFile = "principal.lock"

// OpenHome makes the directory where it is missing, and locks it.
func OpenHome(dir string) (*Home, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	name := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		text := make([]byte, 32)
		n, _ := f.ReadAt(text, 0)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text[:n])))
		return nil, &TakenError{Dir: dir, PID: pid}
	}
	h := &Home{dir: dir, lock: f}
	if err := h.sign(); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", name, err), f.Close())
	}
	return h, nil
}

// sign writes our pid where a second principal reads it.
func (h *Home) sign() error {
	if err := h.lock.Truncate(0); err != nil {
		return err
	}
	_, err := h.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// Announce writes principal.json: from now on commands find this principal.
func (h *Home) Announce(p wire.Presence) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // a key in Z85 has <, > and &: let people find it by grep
	if err := encoder.Encode(p); err != nil {
		return fmt.Errorf("encode %s: %w", wire.PresenceFile, err)
	}
	name := filepath.Join(h.dir, wire.PresenceFile)
	temp := name + ".new"
	err := os.WriteFile(temp, text.Bytes(), 0o600)
	if err == nil {
		err = os.Rename(temp, name)
	}
	if err != nil {
		_ = os.Remove(temp) // on a full disk even this little counts
		return fmt.Errorf("announce the principal: %w", err)
	}
	return nil
}

// Withdraw removes principal.json.
func (h *Home) Withdraw() error {
	err := os.Remove(filepath.Join(h.dir, wire.PresenceFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Close gives the directory up.
func (h *Home) Close() error { return h.lock.Close() }

// NotifyReady tells systemd that the service is up. Without systemd it does
// nothing.
func NotifyReady(socket string) error {
	if socket == "" {
		return nil
	}
	if socket[0] == '@' {
		socket = "\x00" + socket[1:]
	}
	conn, err := net.Dial("unixgram", socket)
	if err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("READY=1")); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}
