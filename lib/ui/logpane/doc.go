// Package logpane is a window over lines of a log: it follows, scrolls, wraps,
// searches and filters. It keeps a bounded number of lines and lays out only
// those that are seen, so that a frame costs the same with ten lines and with a
// hundred thousand.
//
// It knows no terminal and no colours, and fetches nothing: whoever owns it
// appends what comes, and prepends older lines when WantsOlder says so.
package logpane
