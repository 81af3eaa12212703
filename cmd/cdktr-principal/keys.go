package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/cli"
	"github.com/cdktr/cdktr/lib/client"
	"github.com/cdktr/cdktr/lib/wire"
)

type grantOptions struct {
	cli.Connection
	Role    string `long:"role" value-name:"ROLE" one-of:"admin agent operator viewer" required:"yes" description:"admin, agent, operator or viewer"`
	Address string `long:"address" value-name:"ADDR" description:"where the other machine finds the principal (default: where it listens; on all addresses: this host's name)"`
	Args    struct {
		Name string `positional-arg-name:"NAME" required:"yes"`
	} `positional-args:"yes"`
}

// grant makes a key, has its public part let in, and prints the rest. The
// secret part is on stdout alone.
func grant(ctx context.Context, env cli.Env, o grantOptions) error {
	if o.Address != "" {
		if _, err := client.Endpoint(o.Address); err != nil {
			return env.Usagef("--address: %w", err)
		}
	}
	pair, err := bus.NewPair()
	if err != nil {
		return cli.Exit(cli.Bug, err)
	}
	holder := bus.Holder{Name: o.Args.Name, Role: o.Role, Public: pair.Public}
	granted, err := letIn(ctx, env, holder)
	if err != nil {
		return err
	}
	address, reachable := outside(env, o.Address, granted.API)
	invitation := bus.Invitation{
		Certificate:  bus.Certificate{Pair: pair, Metadata: map[string]string{"name": holder.Name, "role": holder.Role}},
		PrincipalKey: granted.PrincipalKey,
		Address:      address,
	}
	if _, err := fmt.Fprint(env.Stdout, invitation.Text()); err != nil {
		return cli.Exit(cli.IO, err)
	}
	if !reachable {
		fmt.Fprintf(env.Stderr, "%s: the principal listens on %s only, which no other machine reaches; start it with --host 0.0.0.0\n", env.Name, address)
	}
	if env.OutTerminal {
		fmt.Fprintf(env.Stderr, "%s: this is a secret: carry it over in a file, and remove the file afterwards\n", env.Name)
	}
	return nil
}

// letIn asks the principal that runs; where none does, it changes the key
// directory itself.
func letIn(ctx context.Context, env cli.Env, h bus.Holder) (wire.KeyGranted, error) {
	var granted wire.KeyGranted
	c, err := running(env)
	if err != nil {
		return granted, err
	}
	if c != nil {
		defer c.Close()
		err := c.Call(ctx, wire.OpKeyGrant, &wire.KeyGrant{Name: h.Name, Role: h.Role, PublicKey: h.Public}, &granted)
		return granted, err
	}
	ring, err := openRing(env)
	if err != nil {
		return granted, err
	}
	if err := ring.Grant(h); err != nil {
		return granted, ringError(err)
	}
	s := env.Settings
	granted.PrincipalKey = ring.Principal().Public
	granted.API = "tcp://" + net.JoinHostPort(s.Text(cli.PrincipalHost), s.Text(cli.PrincipalPort))
	return granted, nil
}

// outside is the address that another machine has to use, and whether one can.
func outside(env cli.Env, wanted, api string) (address string, reachable bool) {
	if wanted == "" {
		wanted = api
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(wanted, "tcp://"))
	if err != nil {
		host = strings.TrimPrefix(wanted, "tcp://")
		_, port, _ = net.SplitHostPort(strings.TrimPrefix(api, "tcp://"))
	}
	ip := net.ParseIP(host)
	if ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
	}
	return "tcp://" + net.JoinHostPort(host, port), host != "localhost" && (ip == nil || !ip.IsLoopback())
}

type revokeOptions struct {
	cli.Connection
	Args struct {
		Name string `positional-arg-name:"NAME" required:"yes"`
	} `positional-args:"yes"`
}

// revoke ends a key at once.
func revoke(ctx context.Context, env cli.Env, o revokeOptions) error {
	c, err := running(env)
	if err != nil {
		return err
	}
	if c != nil {
		defer c.Close()
		return c.Call(ctx, wire.OpKeyRevoke, &wire.KeyRevoke{Name: o.Args.Name}, nil)
	}
	ring, err := openRing(env)
	if err != nil {
		return err
	}
	_, err = ring.Revoke(o.Args.Name)
	return ringError(err)
}

type keysOptions struct {
	cli.Connection
	Output string `short:"o" long:"output" value-name:"FORMAT" one-of:"auto json table" default:"auto" description:"auto, json or table"`
}

// keys lists who is let in.
func keys(ctx context.Context, env cli.Env, o keysOptions) error {
	c, err := running(env)
	if err != nil {
		return err
	}
	list := cli.NewList(env, o.Output, "NAME", "ROLE", "PUBLIC KEY")
	add := func(k wire.Key) error { return list.Add(k, k.Name, k.Role, k.PublicKey) }
	if c == nil {
		ring, err := openRing(env)
		if err != nil {
			return err
		}
		for _, h := range ring.Holders() {
			if err := add(wire.Key{Name: h.Name, Role: h.Role, PublicKey: h.Public}); err != nil {
				return err
			}
		}
		return list.Flush()
	}
	defer c.Close()
	for cursor := ""; ; {
		var page wire.Keys
		if err := c.Call(ctx, wire.OpKeyList, &wire.KeyList{Cursor: cursor}, &page); err != nil {
			return err
		}
		for _, k := range page.Keys {
			if err := add(k); err != nil {
				return err
			}
		}
		if cursor = page.Cursor; cursor == "" {
			return list.Flush()
		}
	}
}

// running is a client of the principal that was named, or that runs on this
// data directory; nil where neither is.
func running(env cli.Env) (*client.Client, error) {
	o, err := env.ClientOptions()
	if err != nil {
		return nil, err
	}
	if o.Remote == nil && !env.Settings.Named() {
		_, err := client.ReadPresence(o.Data)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, cli.Exit(cli.IO, err)
		}
	}
	return client.New(o), nil
}

func openRing(env cli.Env) (*bus.Ring, error) {
	ring, err := bus.OpenRing(env.Settings.Text(cli.KeysDir))
	if err != nil {
		return nil, cli.Exit(cli.Config, err)
	}
	for _, err := range ring.Skipped() {
		fmt.Fprintf(env.Stderr, "%s: %v\n", env.Name, err)
	}
	return ring, nil
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
