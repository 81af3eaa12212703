package run

import (
	"fmt"
	"strconv"
	"strings"
)

// line is a command of a transcript: a verb, words, and name=value pairs.
type line struct {
	verb  string
	words []string
	named map[string]string
}

func parseLine(s string) line {
	l := line{named: make(map[string]string)}
	for i, f := range strings.Fields(s) {
		name, value, ok := strings.Cut(f, "=")
		switch {
		case i == 0:
			l.verb = f
		case ok:
			l.named[name] = value
		default:
			l.words = append(l.words, f)
		}
	}
	return l
}

func (l line) number(name string, def int64) int64 {
	if n, err := strconv.ParseInt(l.named[name], 10, 64); err == nil {
		return n
	}
	return def
}

func (l line) list(name string) []string {
	if l.named[name] == "" {
		return nil
	}
	return strings.Split(l.named[name], ",")
}

// pairs reads a:1,b:2.
func (l line) pairs(name string) map[string]string {
	var all map[string]string
	for _, p := range l.list(name) {
		if all == nil {
			all = make(map[string]string)
		}
		name, value, _ := strings.Cut(p, ":")
		all[name] = value
	}
	return all
}

// carries is what a lease says besides its name.
func carries(l Lease) string {
	s := name(l.AttemptID) + " has"
	if l.Ended != nil {
		s += fmt.Sprintf(" ended=%v outputs=%v", l.Ended, l.Outputs)
	}
	if l.Outcome != "" {
		s += " outcome=" + string(l.Outcome)
	}
	if l.Again != "" {
		s += " again=" + strconv.Quote(l.Again)
	}
	return s
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

func orGone(s AgentStatus) string {
	if s == "" {
		return "gone"
	}
	return string(s)
}

func name(id AttemptID) string { return fmt.Sprintf("%s/%s#%d", id.Run, id.Task, id.Attempt) }

func names(ids []AttemptID) []string {
	ns := []string{}
	for _, id := range ids {
		ns = append(ns, name(id))
	}
	return ns
}

// parseAttempt reads run/task#attempt.
func parseAttempt(s string) AttemptID {
	run, rest, _ := strings.Cut(s, "/")
	task, n, _ := strings.Cut(rest, "#")
	attempt, _ := strconv.Atoi(n)
	return AttemptID{Run: run, Task: task, Attempt: attempt}
}
