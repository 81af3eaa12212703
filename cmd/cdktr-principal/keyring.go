package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/principal"
	"github.com/cdktr/cdktr/lib/wire"
)

// keyring is what answers for the keys: a principal that runs, or else its key
// directory.
//
// While the directory is in use its data directory is locked as a principal
// locks it: one that had read the keys before and started serving after would
// still let in who was revoked.
type keyring struct {
	running *client.Client
	dialled string // the host of running, where one was named

	ring *bus.Ring
	home *principal.Home
}

// openKeyring finds the principal that was named, or that runs on this data
// directory, or that this machine has joined; else it takes the directory. A
// principal that starts or stops right now is waited for.
func openKeyring(ctx context.Context, env cli.Env) (*keyring, error) {
	o, err := env.ClientOptions()
	if err != nil {
		return nil, err
	}
	end := time.Now().Add(o.Try * time.Duration(o.Attempts))
	for {
		_, err := client.ReadPresence(o.Data)
		switch {
		case err == nil, o.Remote != nil, env.Settings.Named(), elsewhere(env, o):
			return &keyring{running: client.New(o), dialled: dialled(o)}, nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, cli.Exit(cli.IO, err)
		}
		home, err := principal.OpenHome(o.Data)
		if err == nil {
			return openDirectory(env, home)
		}
		var taken *principal.TakenError
		if !errors.As(err, &taken) || time.Now().After(end) {
			return nil, cli.Exit(cli.IO, err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func openDirectory(env cli.Env, home *principal.Home) (*keyring, error) {
	ring, err := bus.OpenRing(env.Settings.Text(cli.KeysDir))
	if err != nil {
		return nil, errors.Join(cli.Exit(cli.Config, err), home.Close())
	}
	for _, err := range ring.Skipped() {
		fmt.Fprintf(env.Stderr, "%s: %s\n", env.Name, cli.Clean(err.Error()))
	}
	return &keyring{ring: ring, home: home}, nil
}

// elsewhere tells that this machine knows a principal on another one, and has
// never had one of its own: new keys made here would be of no use to anybody.
func elsewhere(env cli.Env, o client.Options) bool {
	_, err := os.Stat(filepath.Join(env.Settings.Text(cli.KeysDir), "principal.key_secret"))
	return errors.Is(err, fs.ErrNotExist) &&
		(o.Fallback != nil || o.Address != "" && !isLoopback(hostOf(o.Address)))
}

// dialled is the host under which the principal is known here.
func dialled(o client.Options) string {
	switch {
	case o.Remote != nil:
		return hostOf(o.Remote.Address)
	case o.Address != "":
		return hostOf(o.Address)
	case o.Fallback != nil:
		return hostOf(o.Fallback.Address)
	}
	return ""
}

func hostOf(address string) string {
	endpoint, err := client.Endpoint(address)
	if err != nil {
		return ""
	}
	host, _, _ := net.SplitHostPort(strings.TrimPrefix(endpoint, "tcp://"))
	return host
}

func (k *keyring) close() {
	if k.running != nil {
		k.running.Close()
	} else {
		k.home.Close()
	}
}

// grant lets the holder in.
func (k *keyring) grant(ctx context.Context, env cli.Env, h bus.Holder) (granted wire.KeyGranted, err error) {
	if k.running != nil {
		err = k.running.Call(ctx, wire.OpKeyGrant, &wire.KeyGrant{Name: h.Name, Role: h.Role, PublicKey: h.Public}, &granted)
		return granted, err
	}
	s := env.Settings
	return wire.KeyGranted{
		PrincipalKey: k.ring.Principal().Public,
		API:          "tcp://" + net.JoinHostPort(strings.Trim(s.Text(cli.PrincipalHost), "[]"), s.Text(cli.PrincipalPort)),
	}, ringError(k.ring.Grant(h))
}

func (k *keyring) revoke(ctx context.Context, name string) error {
	if k.running != nil {
		return k.running.Call(ctx, wire.OpKeyRevoke, &wire.KeyRevoke{Name: name}, nil)
	}
	_, err := k.ring.Revoke(name)
	return ringError(err)
}

// each shows all keys to add, by name.
func (k *keyring) each(ctx context.Context, add func(wire.Key) error) error {
	if k.running == nil {
		for _, h := range k.ring.Holders() {
			if err := add(wire.Key{Name: h.Name, Role: h.Role, PublicKey: h.Public}); err != nil {
				return err
			}
		}
		return nil
	}
	for cursor := ""; ; {
		var page wire.Keys
		if err := k.running.Call(ctx, wire.OpKeyList, &wire.KeyList{Cursor: cursor}, &page); err != nil {
			return err
		}
		for _, key := range page.Keys {
			if err := add(key); err != nil {
				return err
			}
		}
		if cursor = page.Cursor; cursor == "" {
			return nil
		}
	}
}

// ringError gives what a ring refuses the exit codes that a principal's answers
// have.
func ringError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bus.ErrKeyName), errors.Is(err, bus.ErrKeyRole), errors.Is(err, bus.ErrKey), errors.Is(err, bus.ErrKeyExists):
		return cli.Exit(cli.BadInput, err)
	case errors.Is(err, bus.ErrNoHolder):
		return cli.Exit(cli.NotFound, err)
	case errors.Is(err, bus.ErrOwnKey):
		return cli.Exit(cli.NotAllowed, err)
	}
	return cli.Exit(cli.IO, err)
}
