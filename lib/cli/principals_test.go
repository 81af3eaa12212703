package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/wire"
)

func mkfifo(t *testing.T, name string) {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAgentAndPeopleTakeTheKeyThatIsTheirs(t *testing.T) {
	for _, order := range [][]string{{"web1 agent", "ada operator"}, {"ada admin", "web1 agent"}} {
		w, server := newWorld(t), newPair(t)
		for _, key := range order {
			name, role, _ := strings.Cut(key, " ")
			file, _ := w.invite(t, server, "tcp://db1:5561", name, role)
			w.join(t, file)
		}
		second := "db1-" + strings.Fields(order[1])[0]
		for _, args := range [][]string{nil, {"--principal", "db1"}, {"--principal", second}, {"--principal", "tcp://db1"}, {"--principal", "db1:5561"}} {
			for agent, want := range map[bool]string{true: ".web1.key_secret", false: ".ada.key_secret"} {
				o := w.options(t, agent, args...)
				r := o.Remote
				if len(args) == 0 {
					r = o.Fallback
				}
				if r == nil || !strings.HasSuffix(r.Certificate, want) || r.Key != server.Public {
					t.Errorf("joined %v, %v, agent %v: %+v, want the key %s", order, args, agent, r, want)
				}
			}
		}
	}
}

func TestSeveralPrincipalsAndNoneNamed(t *testing.T) {
	w := newWorld(t)
	for _, host := range []string{"prod", "test"} {
		file, _ := w.invite(t, newPair(t), "tcp://"+host+":5561", "ada", "operator")
		w.join(t, file)
	}
	connects := func(_ context.Context, env Env, _ testOptions) error { _, err := env.Client(); return err }
	run := func(args ...string) (int, string) {
		w.err.Reset()
		return testCommand(connects).Run(t.Context(), w.Env, args), w.err.String()
	}
	if code, said := run(); code != Usage || !strings.Contains(said, "--principal prod or --principal test") {
		t.Errorf("exit %d: %s", code, said)
	}
	if o := w.options(t, false, "--principal", "test"); o.Remote == nil || o.Remote.Address != "tcp://test:5561" {
		t.Errorf("--principal test: %+v", o.Remote)
	}
	if o := w.options(t, true); o.Fallback != nil {
		t.Errorf("an agent would work with %+v", o.Fallback)
	}
	// One that runs here is meant, whatever else there is.
	pair := newPair(t)
	write(t, filepath.Join(w.vars["HOME"], ".cdktr", wire.PresenceFile), fmt.Sprintf(`{"pid":%d,"api":"tcp://127.0.0.1:1","public_key":%q}`, os.Getpid(), pair.Public))
	if o := w.options(t, false); o.Remote != nil || o.Fallback != nil {
		t.Errorf("with one here: %+v, %+v", o.Remote, o.Fallback)
	}
	if o := w.options(t, false, "--principal", "prod"); o.Remote == nil {
		t.Error("with one here, the one that is named is not taken")
	}
}

func TestMisspeltPrincipalIsGuessedWhereNoneIsReached(t *testing.T) {
	w := newWorld(t)
	w.vars[TryTimeout], w.vars[RetryAttempts] = "20", "1"
	for _, host := range []string{"production", "test"} {
		file, _ := w.invite(t, newPair(t), "tcp://"+host+":5561", "ada", "operator")
		w.join(t, file)
	}
	pings := func(ctx context.Context, env Env, _ testOptions) error {
		c, err := env.Client()
		if err != nil {
			return err
		}
		defer c.Close()
		return c.Call(ctx, wire.OpPing, &wire.Plain{}, nil)
	}
	for given, want := range map[string]string{
		"prodction":        `(did you mean "production"?)`,
		"staging":          "(the config file names production, test)",
		"nowhere.invalid":  "cannot reach the principal at tcp://nowhere.invalid:5561",
		"127.0.0.1:1":      "cannot reach the principal at tcp://127.0.0.1:1",
		"tcp://testt:5561": "tcp://testt:5561",
	} {
		w.err.Reset()
		code := testCommand(pings).Run(t.Context(), w.Env, []string{"--principal", given})
		if said := w.err.String(); code != Away || !strings.Contains(said, want) || strings.Contains(want, "cannot") && strings.Contains(said, "config file") {
			t.Errorf("%s: exit %d: %s", given, code, said)
		}
	}
}

func TestWrongEntryOfThePrincipalsIs78AndSaysWhere(t *testing.T) {
	const good = "address: a, key: k, certificate: c"
	for config, want := range map[string]string{
		"principals: [x]":                                                 "config.yaml:1: principals must be a list of NAME",
		"principals:\n  prod: x":                                          "config.yaml:2: principal prod must have",
		"principals: {prod: {adress: a}}":                                 `unknown key "adress" of principal prod (did you mean "address"?)`,
		"principals: {prod: {address: [a]}}":                              "address of principal prod must be one value",
		"principals: {prod: {address: a, key: k}}":                        "principal prod has no certificate",
		"principals: {prod: {address: 'a b', key: k, " + good[20:] + "}}": `"a b" is not host`,
		"principal: {prod: {" + good + "}}":                               `unknown key "principal" (did you mean "principals"?)`,
	} {
		w := newWorld(t)
		write(t, w.ConfigFile(), config)
		if code := testCommand(nothing).Run(t.Context(), w.Env, nil); code != Config || !strings.Contains(w.err.String(), want) {
			t.Errorf("%s: exit %d: %s; want %s", config, code, &w.err, want)
		}
	}
}

func TestKeyFileOfAJoinedPrincipal(t *testing.T) {
	pings := func(ctx context.Context, env Env, _ testOptions) error {
		c, err := env.Client()
		if err != nil {
			return err
		}
		defer c.Close()
		return c.Call(ctx, wire.OpPing, &wire.Plain{}, nil)
	}
	for name, c := range map[string]struct {
		harm func(file string) error
		code int
		says string
	}{
		"is gone":         {os.Remove, NotAllowed, "join again"},
		"others may read": {func(f string) error { return os.Chmod(f, 0o640) }, Config, "chmod 0600"},
		"is broken":       {func(f string) error { return os.WriteFile(f, []byte("x"), 0o600) }, Config, "public-key"},
		"has no secret":   {withoutSecret, Config, "no secret-key"},
	} {
		w := newWorld(t)
		file, _ := w.invite(t, newPair(t), "tcp://127.0.0.1:1", "ada", "operator")
		w.join(t, file)
		if err := c.harm(filepath.Join(w.vars["HOME"], ".cdktr", "keys", "127.0.0.1.ada.key_secret")); err != nil {
			t.Fatal(err)
		}
		w.err.Reset()
		if code := testCommand(pings).Run(t.Context(), w.Env, nil); code != c.code || !strings.Contains(w.err.String(), c.says) {
			t.Errorf("%s: exit %d: %s", name, code, &w.err)
		}
	}
}

func withoutSecret(file string) error {
	c, err := bus.ReadCertificate(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(fmt.Sprintf("metadata\n    role = \"operator\"\ncurve\n    public-key = \"%s\"\n", c.Public)), 0o600)
}
