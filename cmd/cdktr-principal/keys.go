package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	Role    string `long:"role" value-name:"ROLE" one-of:"admin agent operator viewer" required:"yes" description:"admin: everything; agent: runs tasks; operator: triggers, cancels, reads; viewer: reads"`
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
	if err := holder.Check(); err != nil {
		return env.Usagef("%w", err)
	}
	k, err := openKeyring(ctx, env)
	if err != nil {
		return err
	}
	defer k.close()
	if err := closeToOthers(env); err != nil {
		return cli.Exit(cli.IO, err)
	}
	granted, err := k.grant(ctx, env, holder)
	if err != nil {
		return err
	}
	address, reachable := outside(o.Address, granted.API, k.dialled)
	invitation := bus.Invitation{
		Certificate:  bus.Certificate{Pair: pair, Metadata: map[string]string{"name": holder.Name, "role": holder.Role}},
		PrincipalKey: granted.PrincipalKey,
		Address:      address,
	}
	if _, err := io.WriteString(env.Stdout, invitation.Text()); err != nil {
		return cli.Exitf(cli.IO, "%w; the key is granted and of no use: cdktr-principal revoke %s", err, holder.Name)
	}
	if o.Address == "" && !reachable {
		fmt.Fprintf(env.Stderr, "%s: the principal listens on %s only, which no other machine reaches; start it with --host 0.0.0.0\n", env.Name, address)
	}
	if env.OutTerminal {
		fmt.Fprintf(env.Stderr, "%s: this is a secret: carry it over in a file, and remove the file afterwards\n", env.Name)
	}
	return nil
}

// closeToOthers closes the file that stdout may be to other users, before there
// is a secret to write. With sudo the file is that of the user who redirects:
// then nobody but that user can.
func closeToOthers(env cli.Env) error {
	f, ok := env.Stdout.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 {
		return nil // what cannot be written is told when it is
	}
	err = f.Chmod(0o600)
	if errors.Is(err, fs.ErrPermission) {
		fmt.Fprintf(env.Stderr, "%s: the file that this secret goes to is open to other users (mode %04o) and belongs to another one: chmod 0600 it\n",
			env.Name, info.Mode().Perm())
		return nil
	}
	return err
}

// outside is the address that another machine has to use, and whether one can.
// A principal that listens everywhere is where this command has dialled it;
// from its own machine it goes by this host's name.
func outside(wanted, api, dialled string) (address string, reachable bool) {
	if wanted == "" {
		wanted = api
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(wanted, "tcp://"))
	if err != nil {
		host = strings.Trim(strings.TrimPrefix(wanted, "tcp://"), "[]")
		_, port, _ = net.SplitHostPort(strings.TrimPrefix(api, "tcp://"))
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			host = name
		}
		if dialled != "" && !isLoopback(dialled) {
			host = dialled
		}
	}
	return "tcp://" + net.JoinHostPort(host, port), !isLoopback(host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

type revokeOptions struct {
	cli.Connection
	Args struct {
		Name string `positional-arg-name:"NAME" required:"yes"`
	} `positional-args:"yes"`
}

// revoke ends a key at once.
func revoke(ctx context.Context, env cli.Env, o revokeOptions) error {
	k, err := openKeyring(ctx, env)
	if err != nil {
		return err
	}
	defer k.close()
	return k.revoke(ctx, o.Args.Name)
}

type keysOptions struct {
	cli.Connection
	Output string `short:"o" long:"output" value-name:"FORMAT" one-of:"auto json table" default:"auto" description:"auto, json or table"`
}

// keys lists who is let in.
func keys(ctx context.Context, env cli.Env, o keysOptions) error {
	k, err := openKeyring(ctx, env)
	if err != nil {
		return err
	}
	defer k.close()
	list := cli.NewList(env, o.Output, "NAME", "ROLE", "PUBLIC KEY")
	err = k.each(ctx, func(k wire.Key) error { return list.Add(k, k.Name, k.Role, k.PublicKey) })
	if err != nil {
		return err
	}
	return list.Flush()
}
