package cli

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cdktr/cdktr/lib/dotenv"
	"github.com/cdktr/cdktr/lib/wire"
)

// The settings that commands read. Names and defaults are those of existing
// installations.
const (
	LogLevel         = "CDKTR_LOG_LEVEL"
	MaxConcurrency   = "CDKTR_AGENT_MAX_CONCURRENCY"
	RetryAttempts    = "CDKTR_RETRY_ATTEMPTS"
	TryTimeout       = "CDKTR_DEFAULT_ZMQ_TIMEOUT_MS"
	PrincipalHost    = "CDKTR_PRINCIPAL_HOST"
	PrincipalPort    = "CDKTR_PRINCIPAL_PORT"
	LogsPort         = "CDKTR_LOGS_LISTENING_PORT"
	LivePort         = "CDKTR_LOGS_PUBLISHING_PORT"
	WorkflowDir      = "CDKTR_WORKFLOW_DIR"
	WorkflowRefresh  = "CDKTR_WORKFLOW_DIR_REFRESH_FREQUENCY_S"
	DataDir          = "CDKTR_APP_DATA_DIRECTORY"
	DBPath           = "CDKTR_DB_PATH"
	KeysDir          = "CDKTR_KEYS"
	UIRefresh        = "CDKTR_TUI_STATUS_REFRESH_INTERVAL_MS"
	HeartbeatTimeout = "CDKTR_AGENT_HEARTBEAT_TIMEOUT_MS"
	DiskReserve      = "CDKTR_DISK_RESERVE_MB"
	SpoolSize        = "CDKTR_AGENT_SPOOL_MB"
	schedulerPoll    = "CDKTR_SCHEDULER_START_POLL_FREQUENCY_MS" // no effect: nothing polls here
	queueInterval    = "CDKTR_Q_PERSISTENCE_INTERVAL_MS"         // no effect, for the same reason
)

// kind is how a value is read.
type kind int

const (
	host kind = iota
	path      // relative to the working directory; a leading ~/ is the home directory
	level
	port   // 0 to 65535
	count  // from 1
	slots  // 1 to wire.MaxSlots
	millis // from 1, a duration
	seconds
	mebibytes // from 0
)

// table is every setting, in the order in which people read them. In a default,
// $NAME is another setting's value, or the environment's.
var table = [...]struct {
	name string
	kind kind
	def  string
}{
	{DataDir, path, "$HOME/.cdktr"},
	{DBPath, path, "$" + DataDir + "/app.db"},
	{KeysDir, path, "$" + DataDir + "/keys"},
	{WorkflowDir, path, "workflows"},
	{WorkflowRefresh, seconds, "60"},
	{PrincipalHost, host, "127.0.0.1"},
	{PrincipalPort, port, "5561"},
	{LogsPort, port, "5562"},
	{LivePort, port, "5563"},
	{MaxConcurrency, slots, "5"},
	{HeartbeatTimeout, millis, "30000"},
	{DiskReserve, mebibytes, "256"},
	{SpoolSize, count, "64"},
	{TryTimeout, millis, "3000"},
	{RetryAttempts, count, "20"},
	{LogLevel, level, "INFO"},
	{UIRefresh, millis, "1000"},
	{schedulerPoll, millis, "500"},
	{queueInterval, millis, "1000"},
}

// Setting is one setting as it counts now.
type Setting struct {
	Name   string
	Value  string
	Source string // "--port", "environment", a file's path, "default"
}

// FromDefault tells that nobody set it.
func (s Setting) FromDefault() bool { return s.Source == fromDefault }

// fromFlag tells that the command line has it: a mistake there is wrong usage.
func (s Setting) fromFlag() bool { return strings.HasPrefix(s.Source, "--") }

const (
	fromDefault     = "default"
	fromEnvironment = "environment"
)

// Settings are the values of all settings and where each came from. All have
// been checked: the getters cannot fail.
type Settings struct {
	all        []Setting
	principals []Principal // of the config file
	named      *Principal  // the one that --principal names
	hint       string      // what else --principal may have meant, or ""
}

// All returns every setting, for people to read.
func (s *Settings) All() []Setting { return append([]Setting(nil), s.all...) }

// Get returns one setting. The name is one of the constants above.
func (s *Settings) Get(name string) Setting {
	for _, one := range s.all {
		if one.Name == name {
			return one
		}
	}
	panic("no setting " + name)
}

// Text returns a setting's value; paths are absolute.
func (s *Settings) Text(name string) string { return s.Get(name).Value }

// Int returns a number.
func (s *Settings) Int(name string) int {
	n, err := strconv.Atoi(s.Text(name))
	if err != nil {
		panic(name + " is not a number")
	}
	return n
}

// Duration returns a number of milliseconds or seconds, as its name says.
func (s *Settings) Duration(name string) time.Duration {
	unit := time.Millisecond
	if strings.HasSuffix(name, "_S") {
		unit = time.Second
	}
	return time.Duration(s.Int(name)) * unit
}

// Level is the level of the log.
func (s *Settings) Level() slog.Level {
	l, _ := parseLevel(s.Text(LogLevel))
	return l
}

// loadSettings takes each setting from the first source that has it. given
// are the flags.
func loadSettings(env *Env, given []Setting) (*Settings, error) {
	local, err := readDotEnv(*env)
	if err != nil {
		return nil, err
	}
	config, principals, err := readConfig(*env)
	if err != nil {
		return nil, err
	}
	out := &Settings{principals: principals}
	if given, err = out.name(env, given); err != nil {
		return nil, err
	}
	find := func(name, def string) Setting {
		for _, s := range given {
			if s.Name == name {
				return s
			}
		}
		// An empty variable counts as unset: that is what people mean by it.
		if value := env.getenv(name); value != "" {
			return Setting{name, value, fromEnvironment}
		}
		for _, from := range [][]Setting{local, config} {
			for _, s := range from {
				if s.Name == name {
					return s
				}
			}
		}
		return Setting{name, def, fromDefault}
	}
	for _, row := range table {
		s := find(row.name, row.def)
		if s.FromDefault() {
			s.Value = dotenv.Expand(s.Value, func(name string) (string, bool) {
				if strings.HasPrefix(name, "CDKTR_") {
					return out.Text(name), true
				}
				return env.Getenv(name)
			})
			if row.name == DataDir && env.getenv("HOME") == "" {
				return nil, Exitf(Config, "neither %s nor HOME is set: where shall the data be?", DataDir)
			}
		}
		if s.Value, err = env.check(row.kind, s.Value); err != nil {
			if s.fromFlag() {
				return nil, env.Usagef("%s: %w", s.Source, err)
			}
			return nil, Exitf(Config, "%s (%s): %w", s.Name, s.Source, err)
		}
		out.all = append(out.all, s)
	}
	return out, nil
}

// check tells whether a value is of its kind, and returns it in its usual form.
func (e Env) check(k kind, value string) (string, error) {
	number := func(low, high int) (string, error) {
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < low || n > high {
			return "", fmt.Errorf("%q is not a whole number from %d to %d", value, low, high)
		}
		return strconv.Itoa(n), nil
	}
	switch k {
	case path:
		if rest, ok := strings.CutPrefix(value, "~/"); ok {
			value = filepath.Join(e.getenv("HOME"), rest)
		}
		return e.Path(value), nil
	case level:
		_, err := parseLevel(value)
		return strings.ToUpper(strings.TrimSpace(value)), err
	case host:
		value = strings.TrimSpace(value)
		if strings.ContainsAny(value, "/ \t") {
			return "", fmt.Errorf("%q is not the name or the address of a host", value)
		}
		return value, nil
	case port:
		return number(0, 65535)
	case count:
		return number(1, 1_000_000)
	case slots:
		return number(1, wire.MaxSlots)
	case millis, seconds:
		return number(1, 1_000_000_000)
	case mebibytes:
		return number(0, 1_000_000_000)
	}
	panic("a setting of no kind")
}

// parseLevel knows slog's levels, and the two more that existing installations
// have.
func parseLevel(text string) (slog.Level, error) {
	switch strings.ToUpper(strings.TrimSpace(text)) {
	case "TRACE", "DEBUG":
		return slog.LevelDebug, nil
	case "INFO":
		return slog.LevelInfo, nil
	case "WARN", "WARNING":
		return slog.LevelWarn, nil
	case "ERROR":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%q is none of TRACE, DEBUG, INFO, WARN, ERROR", text)
}
