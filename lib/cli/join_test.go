package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/client"
)

// invite is a join file as a principal at an address would have granted it.
func (w *world) invite(t *testing.T, server bus.Pair, address, name, role string) (file string, pair bus.Pair) {
	t.Helper()
	pair = newPair(t)
	file = filepath.Join(w.Dir, name+".join")
	write(t, file, bus.Invitation{
		Certificate:  bus.Certificate{Pair: pair, Metadata: map[string]string{"name": name, "role": role}},
		PrincipalKey: server.Public, Address: address,
	}.Text())
	return file, pair
}

func newPair(t *testing.T) bus.Pair {
	t.Helper()
	p, err := bus.NewPair()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// join runs a command with --join, which has to succeed.
func (w *world) join(t *testing.T, file string) {
	t.Helper()
	if code := testCommand(nothing).Run(t.Context(), w.Env, []string{"--join", file}); code != OK {
		t.Fatalf("exit %d: %s", code, &w.err)
	}
}

// options are what a command with these arguments would connect with.
func (w *world) options(t *testing.T, agent bool, args ...string) client.Options {
	t.Helper()
	var o client.Options
	c := testCommand(func(_ context.Context, env Env, _ testOptions) (err error) {
		if o, err = env.ClientOptions(); agent {
			o, err = env.AgentOptions()
		}
		return err
	})
	w.err.Reset()
	if code := c.Run(t.Context(), w.Env, args); code != OK {
		t.Fatalf("%v: exit %d: %s", args, code, &w.err)
	}
	return o
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestJoinKeepsTheKeyForThisUserAloneAndNamesThePrincipal(t *testing.T) {
	w, server := newWorld(t), newPair(t)
	file, pair := w.invite(t, server, "tcp://db1.internal:5561", "ada", "operator")
	w.join(t, file)
	if !strings.Contains(w.err.String(), "joined tcp://db1.internal:5561 as ada (operator), named db1 in "+w.ConfigFile()) || w.out.Len() > 0 {
		t.Errorf("told %q, printed %q", &w.err, &w.out)
	}
	keys := filepath.Join(w.vars["HOME"], ".cdktr", "keys")
	secret := filepath.Join(keys, "db1.ada.key_secret")
	for path, want := range map[string]os.FileMode{keys: 0o700, secret: 0o600, w.ConfigFile(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want mode %04o", path, info, err, want)
		}
	}
	if c, err := bus.ReadCertificate(secret); err != nil || c.Pair != pair {
		t.Errorf("kept %+v, %v", c, err)
	}
	for name, text := range map[string]string{"the config file": readFile(t, w.ConfigFile()), "stderr": w.err.String()} {
		if strings.Contains(text, pair.Secret) {
			t.Errorf("the secret is in %s", name)
		}
	}
	o := w.options(t, false)
	if r := o.Fallback; r == nil || r.Address != "tcp://db1.internal:5561" || r.Key != server.Public || r.Certificate != secret {
		t.Errorf("a command would connect with %+v", r)
	}
}

func TestJoinLeavesTheRestOfTheConfigFileAsItIs(t *testing.T) {
	for name, before := range map[string]string{
		"nothing":        "",
		"only comments":  "# principal_port: 7000\n# log_level: DEBUG\n",
		"settings":       "# Mine.\n\n# The port.\nprincipal_port: 7000 # not 5561\nlog_level: DEBUG\n# The end.\n",
		"another":        "principals:\n  # Do not touch.\n  test: {address: t1, key: abc, certificate: /t.key_secret} # mine\nlog_level: DEBUG\n",
		"an empty list":  "principals:\nlog_level: DEBUG # loud\n",
		"a null":         "---\n",
		"an empty other": "principals: {}\n",
	} {
		w := newWorld(t)
		write(t, w.ConfigFile(), before)
		file, _ := w.invite(t, newPair(t), "tcp://db1:5561", "web1", "agent")
		w.join(t, file)
		after := readFile(t, w.ConfigFile())
		for _, word := range strings.Fields(strings.NewReplacer("{}", "", "---", "").Replace(before)) {
			if !strings.Contains(after, word) {
				t.Errorf("%s: %q is lost; it is now\n%s", name, word, after)
			}
		}
		s, err := loadSettings(&w.Env, nil)
		if err != nil || s.principal("db1") == nil {
			t.Errorf("%s: %v, principals %+v in\n%s", name, err, s, after)
		}
	}
}

func TestJoiningAgain(t *testing.T) {
	w, db1, db2 := newWorld(t), newPair(t), newPair(t)
	agent, _ := w.invite(t, db1, "tcp://db1:5561", "web1", "agent")
	ada, _ := w.invite(t, db1, "tcp://db1:5561", "ada", "operator")
	other, _ := w.invite(t, db2, "tcp://db2:5561", "eve", "viewer")
	moved, _ := w.invite(t, db2, "tcp://db1:7561", "bob", "viewer")
	byIP, _ := w.invite(t, newPair(t), "tcp://[fe80::1]:5561", "carl", "viewer")
	for _, step := range []struct{ file, names string }{
		{agent, "db1"},
		{agent, "db1"}, // the same file
		{ada, "db1 db1-ada"},
		{other, "db1 db1-ada db2"},
		{moved, "db1 db1-ada db2 db1-bob"}, // another principal on that host
		{byIP, "db1 db1-ada db2 db1-bob fe80--1"},
	} {
		w.join(t, step.file)
		s, err := loadSettings(&w.Env, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(names(s.Principals()), " "); got != step.names {
			t.Errorf("after %s: %s, want %s", filepath.Base(step.file), got, step.names)
		}
	}
	// A key that was granted anew takes the place of one that is gone.
	s, err := loadSettings(&w.Env, nil)
	if err != nil || os.Remove(s.principal("db2").Certificate) != nil {
		t.Fatal(err)
	}
	again, pair := w.invite(t, db2, "tcp://db2:5561", "eva", "operator")
	w.join(t, again)
	if s, err = loadSettings(&w.Env, nil); err != nil || len(s.Principals()) != 5 {
		t.Fatalf("%v, %v", names(s.Principals()), err)
	}
	if c, err := bus.ReadCertificate(s.principal("db2").Certificate); err != nil || c.Pair != pair {
		t.Errorf("db2 has %+v, %v", c, err)
	}
}

func TestJoinFileThatIsNoneChangesNothing(t *testing.T) {
	w := newWorld(t)
	good, _ := w.invite(t, newPair(t), "tcp://db1:5561", "web1", "agent")
	text := readFile(t, good)
	in := func(name string) string { return filepath.Join(w.Dir, name) }
	write(t, in("cut"), text[:len(text)-60])
	write(t, in("noaddress"), strings.Replace(text, "address", "adress", 1))
	write(t, in("badaddress"), strings.Replace(text, "tcp://db1:5561", "tcp://db1:x", 1))
	write(t, in("badrole"), strings.Replace(text, `"agent"`, `"root"`, 1))
	write(t, in("badname"), strings.ReplaceAll(text, `"web1"`, `"../../web1"`))
	write(t, in("empty"), "")
	write(t, in("noise"), strings.Repeat("\x00\xff\n", 100_000))
	mkfifo(t, in("fifo"))
	for name, want := range map[string]int{
		"cut": BadInput, "noaddress": BadInput, "badaddress": BadInput, "badrole": BadInput, "badname": BadInput,
		"empty": BadInput, "noise": BadInput, "fifo": BadInput, ".": BadInput, "missing": NotFound,
	} {
		w.err.Reset()
		if code := testCommand(nothing).Run(t.Context(), w.Env, []string{"--join", name}); code != want || strings.Count(w.err.String(), "\n") != 1 {
			t.Errorf("%s: exit %d, want %d: %s", name, code, want, &w.err)
		}
		for _, path := range []string{w.ConfigFile(), filepath.Join(w.vars["HOME"], ".cdktr")} {
			if _, err := os.Stat(path); err == nil {
				t.Fatalf("%s: %s was made", name, path)
			}
		}
	}
}

func TestJoinWhereItCannotBeKept(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(w *world)
		code int
		says string
	}{
		"the config file does not parse": {func(w *world) { write(t, w.ConfigFile(), "\tx: [") }, Config, "config.yaml"},
		"its principals are a list":      {func(w *world) { write(t, w.ConfigFile(), "principals: [a]\n") }, Config, "config.yaml:1"},
		"a file in place of a directory": {func(w *world) { write(t, filepath.Dir(w.ConfigFile()), "x") }, IO, "cdktr"},
		"no place for keys":              {func(w *world) { write(t, filepath.Join(w.vars["HOME"], ".cdktr"), "x") }, IO, ".cdktr"},
		"no home at all":                 {func(w *world) { delete(w.vars, "HOME"); w.vars[DataDir] = w.Dir }, Config, "XDG_CONFIG_HOME"},
	} {
		w := newWorld(t)
		file, pair := w.invite(t, newPair(t), "tcp://db1:5561", "web1", "agent")
		c.harm(w)
		code := testCommand(nothing).Run(t.Context(), w.Env, []string{"--join", file})
		if code != c.code || !strings.Contains(w.err.String(), c.says) || strings.Contains(w.err.String(), pair.Secret) {
			t.Errorf("%s: exit %d, want %d: %s", name, code, c.code, &w.err)
		}
	}
}

func TestJoinReadsStdinToo(t *testing.T) {
	w := newWorld(t)
	file, pair := w.invite(t, newPair(t), "tcp://db1:5561", "web1", "agent")
	w.Stdin = strings.NewReader(readFile(t, file))
	w.join(t, "-")
	if c, err := bus.ReadCertificate(filepath.Join(w.vars["HOME"], ".cdktr", "keys", "db1.web1.key_secret")); err != nil || c.Pair != pair {
		t.Errorf("kept %+v, %v", c, err)
	}
	w.Stdin = strings.NewReader("")
	if code := testCommand(nothing).Run(t.Context(), w.Env, []string{"--join", "-"}); code != BadInput || !strings.Contains(w.err.String(), "stdin is not what") {
		t.Errorf("exit %d: %s", code, &w.err)
	}
}

func TestJoinFollowsALinkToTheConfigFile(t *testing.T) {
	w := newWorld(t)
	real := filepath.Join(w.Dir, "dotfiles.yaml")
	write(t, real, "log_level: DEBUG\n")
	if err := os.MkdirAll(filepath.Dir(w.ConfigFile()), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, w.ConfigFile()); err != nil {
		t.Fatal(err)
	}
	file, _ := w.invite(t, newPair(t), "tcp://db1:5561", "web1", "agent")
	w.join(t, file)
	if text := readFile(t, real); !strings.Contains(text, "db1") || !strings.Contains(text, "DEBUG") {
		t.Errorf("the real file is\n%s", text)
	}
}

func TestJoinsAtTheSameTimeLoseNothing(t *testing.T) {
	w := newWorld(t)
	const all = 8
	var files []string
	for n := range all {
		file, _ := w.invite(t, newPair(t), "tcp://db1:5561", fmt.Sprintf("web%d", n), "agent")
		files = append(files, file)
	}
	var group sync.WaitGroup
	for _, file := range files {
		group.Go(func() {
			env := w.Env
			var said bytes.Buffer
			env.Stderr = &said
			if code := testCommand(nothing).Run(t.Context(), env, []string{"--join", file}); code != OK {
				t.Errorf("exit %d: %s", code, &said)
			}
		})
	}
	group.Wait()
	s, err := loadSettings(&w.Env, nil)
	if err != nil || len(s.Principals()) != all {
		t.Errorf("%v; of %d there are %v", err, all, names(s.Principals()))
	}
}

func TestJoinRefusesKeysThatAreOpenToOthers(t *testing.T) {
	w := newWorld(t)
	file, _ := w.invite(t, newPair(t), "tcp://db1:5561", "web1", "agent")
	keys := filepath.Join(w.vars["HOME"], ".cdktr", "keys")
	if err := os.MkdirAll(keys, 0o755); err != nil {
		t.Fatal(err)
	}
	code := testCommand(nothing).Run(t.Context(), w.Env, []string{"--join", file})
	if left, err := os.ReadDir(keys); code != Config || !strings.Contains(w.err.String(), "chmod 0700 "+keys) || err != nil || len(left) > 0 {
		t.Errorf("exit %d, left %v: %s", code, left, &w.err)
	}
}
