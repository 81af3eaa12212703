package client

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/plainfile"
)

// Open returns a client of the principal that the environment names; see
// FromEnvironment. It does not connect: the first call does.
func Open() (*Client, error) {
	o, err := FromEnvironment()
	if err != nil {
		return nil, err
	}
	return New(o), nil
}

// FromEnvironment finds the principal as the commands do. With
// CDKTR_PRINCIPAL_HOST or CDKTR_PRINCIPAL_PORT it is the one at that address,
// else the one that runs on CDKTR_APP_DATA_DIRECTORY (by default ~/.cdktr). The
// key is in CDKTR_KEYS, by default keys in that directory. One try takes
// CDKTR_DEFAULT_ZMQ_TIMEOUT_MS, and CDKTR_RETRY_ATTEMPTS bounds them. An empty
// variable counts as unset. It reads neither .env nor the config file.
func FromEnvironment() (Options, error) {
	o := Options{Data: os.Getenv("CDKTR_APP_DATA_DIRECTORY"), Keys: os.Getenv("CDKTR_KEYS")}
	if o.Data == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return o, fmt.Errorf("find the data directory: neither CDKTR_APP_DATA_DIRECTORY nor HOME is set")
		}
		o.Data = filepath.Join(home, ".cdktr")
	}
	host, port := os.Getenv("CDKTR_PRINCIPAL_HOST"), os.Getenv("CDKTR_PRINCIPAL_PORT")
	if host != "" || port != "" {
		// 0.0.0.0 is a place to listen on; who dials it means this machine.
		if host == "" || host == "0.0.0.0" {
			host = "127.0.0.1"
		}
		if port == "" {
			port = strconv.Itoa(DefaultPort)
		}
		o.Address = net.JoinHostPort(host, port)
		if _, err := Endpoint(o.Address); err != nil {
			return o, fmt.Errorf("CDKTR_PRINCIPAL_HOST and CDKTR_PRINCIPAL_PORT: %w", err)
		}
	}
	try, err := numberOf("CDKTR_DEFAULT_ZMQ_TIMEOUT_MS")
	o.Try = time.Duration(try) * time.Millisecond
	attempts, err2 := numberOf("CDKTR_RETRY_ATTEMPTS")
	o.Attempts = attempts
	return o, errors.Join(err, err2)
}

// numberOf is a variable's number, from 1, or 0 where it is not set.
func numberOf(name string) (int, error) {
	value := strings.TrimSpace(os.Getenv(name))
	if value == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 1_000_000_000 {
		return 0, fmt.Errorf("%s: %q is not a whole number from 1", name, value)
	}
	return n, nil
}

// maxInvitation is more than any join file has, in bytes.
const maxInvitation = 64 << 10

// ReadJoin reads a file that `cdktr-principal grant` has printed, for
// Options.Remote. The file stays what proves the key: keep it, and keep it to
// yourself.
func ReadJoin(path string) (*Remote, error) {
	text, err := plainfile.Read(path, maxInvitation)
	if err != nil {
		return nil, fmt.Errorf("read join file: %w", err)
	}
	i, err := bus.ParseInvitation(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read join file %s: %w", path, err)
	}
	return &Remote{Address: i.Address, Key: i.PrincipalKey, Certificate: path}, nil
}
