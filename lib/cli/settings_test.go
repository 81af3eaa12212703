package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSettingComesFromTheFirstSourceThatHasIt(t *testing.T) {
	w := newWorld(t)
	config := w.ConfigFile()
	dotenv := filepath.Join(w.Dir, ".env")
	var got *Settings
	c := testCommand(func(_ context.Context, env Env, _ testOptions) error { got = env.Settings; return nil })
	check := func(value, source string, args ...string) {
		t.Helper()
		if code := c.Run(t.Context(), w.Env, args); code != OK {
			t.Fatalf("exit %d: %s", code, &w.err)
		}
		if s := got.Get(PrincipalPort); s.Value != value || s.Source != source {
			t.Errorf("port %q from %q, want %q from %q", s.Value, s.Source, value, source)
		}
	}
	check("5561", "default")
	write(t, config, "# mine\nprincipal_port: 1\n")
	check("1", config+":2")
	write(t, dotenv, "OTHER='x\nCDKTR_PRINCIPAL_PORT=0\nexport CDKTR_PRINCIPAL_PORT = 2 # two\n")
	check("2", dotenv+":3")
	w.vars[PrincipalPort] = "3"
	check("3", "environment")
	check("4", "--principal", "--principal", "h:4")
}

func TestDefaultsAreThoseOfTheManual(t *testing.T) {
	w := newWorld(t)
	s, err := loadSettings(&w.Env, nil)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(w.vars["HOME"], ".cdktr")
	for name, want := range map[string]string{
		DataDir: data, DBPath: data + "/app.db", KeysDir: data + "/keys",
		WorkflowDir: filepath.Join(w.Dir, "workflows"), PrincipalHost: "127.0.0.1", LogLevel: "INFO",
		MaxConcurrency: "5", LogsPort: "5562", LivePort: "5563",
	} {
		if got := s.Text(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if s.Int(DiskReserve) != 256 || s.Duration(WorkflowRefresh) != time.Minute || s.Duration(TryTimeout) != 3*time.Second || s.Int(RetryAttempts) != 20 {
		t.Errorf("numbers are wrong: %+v", s.All())
	}
	if s.Address() != "" {
		t.Errorf("address %q although nobody set one", s.Address())
	}
}

func TestDataDirectoryAloneIsolatesAnInstallation(t *testing.T) {
	w := newWorld(t)
	w.vars[DataDir] = "here"
	s, err := loadSettings(&w.Env, nil)
	if err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(w.Dir, "here")
	if s.Text(DataDir) != base || s.Text(DBPath) != base+"/app.db" || s.Text(KeysDir) != base+"/keys" {
		t.Errorf("settings %+v", s.All())
	}
}

func TestBadSettingIs78AndSaysWhere(t *testing.T) {
	for _, test := range []struct{ env, dotenv, config, want string }{
		{env: "abc", want: `CDKTR_PRINCIPAL_PORT (environment): "abc" is not a whole number from 0 to 65535`},
		{dotenv: "CDKTR_PRINCIPAL_HOST=tcp://x", want: `.env:1): "tcp://x" is not the name`},
		{dotenv: "CDKTR_LOG_LEVEL=loud", want: `"loud" is none of`},
		{dotenv: "CDKTR_AGENT_MAX_CONCURRENCY=20000", want: `.env:1): "20000" is not a whole number from 1 to 10000`},
		{dotenv: "CDKTR_DISK_RESERVE_MB=1GB", want: `.env:1): "1GB" is not a whole number from 0 to`},
		{dotenv: "CDKTR_RETRY_ATTEMPTS=0", want: `"0" is not a whole number from 1`},
		{dotenv: "CDKTR_Q_PERSISTENCE_INTERVAL_MS=soon", want: `"soon" is not a whole number`},
		{dotenv: "\nCDKTR_PRINCIPAL_PORT=-1", want: `.env:2): "-1" is not`},
		{dotenv: `CDKTR_PRINCIPAL_PORT="1`, want: `.env:1: the quotes of CDKTR_PRINCIPAL_PORT do not match`},
		{config: "principal_port: 99999", want: `config.yaml:1): "99999" is not`},
		{config: "a: b\n", want: `config.yaml:1: unknown key "a"`},
		{config: "principal_prot: 1\n", want: `(did you mean "principal_port"?)`},
		{config: "principal_port: [1]\n", want: `config.yaml:1: principal_port must be one value`},
		{config: "- 1\n", want: `config.yaml:1: expected lines such as`},
		{config: "\tx", want: `config.yaml: yaml:`},
	} {
		w := newWorld(t)
		if test.env != "" {
			w.vars[PrincipalPort] = test.env
		}
		write(t, filepath.Join(w.Dir, ".env"), test.dotenv)
		write(t, w.ConfigFile(), test.config)
		code := testCommand(nothing).Run(t.Context(), w.Env, nil)
		if code != Config || !strings.Contains(w.err.String(), test.want) {
			t.Errorf("exit %d, %q; want %q", code, &w.err, test.want)
		}
	}
}

func TestBadFlagOfASettingIsWrongUsageAndIsNamed(t *testing.T) {
	type options struct {
		Port string `long:"port" setting:"CDKTR_PRINCIPAL_PORT"`
		Max  string `long:"max-concurrent" setting:"CDKTR_AGENT_MAX_CONCURRENCY"`
	}
	c := Command{Name: "cdktr-test", Action: Do(func(context.Context, Env, options) error { return nil })}
	for _, test := range []struct{ args, want string }{
		{"--port 70000", `cdktr-test: --port: "70000" is not a whole number from 0 to 65535; see cdktr-test --help`},
		{"--max-concurrent 10001", `cdktr-test: --max-concurrent: "10001" is not a whole number from 1 to 10000; see`},
	} {
		w := newWorld(t)
		code := c.Run(t.Context(), w.Env, strings.Fields(test.args))
		if code != Usage || !strings.Contains(w.err.String(), test.want) {
			t.Errorf("%s: exit %d, %q", test.args, code, &w.err)
		}
	}
}

func TestAddressIsOnlyKnownWhenSomebodySetIt(t *testing.T) {
	for _, test := range []struct{ host, port, want string }{
		{"", "", ""},
		{"db1", "", "db1:5561"},
		{"", "7000", "127.0.0.1:7000"},
		{"0.0.0.0", "", "127.0.0.1:5561"},
		{"::1", "7000", "[::1]:7000"},
	} {
		w := newWorld(t)
		w.vars[PrincipalHost], w.vars[PrincipalPort] = test.host, test.port
		s, err := loadSettings(&w.Env, nil)
		if err != nil || s.Address() != test.want {
			t.Errorf("%+v: %q, %v", test, s.Address(), err)
		}
	}
}

func TestDirectoryCalledDotEnvIsNotOurs(t *testing.T) {
	w := newWorld(t)
	write(t, filepath.Join(w.Dir, ".env", "pyvenv.cfg"), "")
	if code := testCommand(nothing).Run(t.Context(), w.Env, nil); code != OK {
		t.Errorf("exit %d: %s", code, &w.err)
	}
}

func TestWithoutAHomeTheDataDirectoryMustBeNamed(t *testing.T) {
	w := newWorld(t)
	delete(w.vars, "HOME")
	if code := testCommand(nothing).Run(t.Context(), w.Env, nil); code != Config || !strings.Contains(w.err.String(), DataDir) {
		t.Errorf("exit %d: %s", code, &w.err)
	}
	w.vars[DataDir] = "/data"
	if code := testCommand(nothing).Run(t.Context(), w.Env, nil); code != OK {
		t.Errorf("exit %d: %s", code, &w.err)
	}
}
