package cli

import "log/slog"

// Logger writes the log of a daemon to stderr: text on a terminal, JSON lines
// otherwise, from CDKTR_LOG_LEVEL on.
func (e Env) Logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: e.Settings.Level()}
	if e.ErrTerminal {
		return slog.New(slog.NewTextHandler(e.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(cleaner{e.Stderr}, options))
}
