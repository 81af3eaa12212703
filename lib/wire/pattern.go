package wire

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pattern is what Grep asks for; nil matches everything.
type Pattern struct{ *regexp.Regexp }

// ParsePattern reads a regular expression (RE2). One without an upper case
// letter matches any case.
func ParsePattern(text string) (*Pattern, error) {
	if text == "" {
		return nil, nil
	}
	whole := text
	if !hasUpper(text) {
		whole = "(?i)" + text
	}
	re, err := regexp.Compile(whole)
	if err == nil {
		return &Pattern{re}, nil
	}
	bad := &Error{Code: BadRequest, Message: "the pattern is no regular expression: " + err.Error()}
	if why, ok := errors.AsType[*syntax.Error](err); ok {
		bad.Message = "the pattern is no regular expression: " + why.Code.String() + ": " + strings.TrimPrefix(why.Expr, "(?i)")
	}
	return nil, bad
}

// hasUpper tells whether a pattern has an upper case letter that stands for
// itself. Those of escapes, flags and names of groups do not.
func hasUpper(text string) bool {
	for text != "" {
		skip := 0
		switch {
		case strings.HasPrefix(text, `\Q`):
			var literal string
			literal, text, _ = strings.Cut(text[2:], `\E`)
			if strings.ContainsFunc(literal, unicode.IsUpper) {
				return true
			}
			continue
		case text[0] == '\\':
			skip = escapeLen(text)
		case strings.HasPrefix(text, "(?"):
			skip = strings.IndexAny(text, ":)>") + 1
		}
		if skip > 0 {
			text = text[skip:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if unicode.IsUpper(r) {
			return true
		}
		text = text[size:]
	}
	return false
}

// escapeLen is the length of the escape that text begins with. A character by
// its number counts as none that somebody wrote in upper case.
func escapeLen(text string) int {
	if len(text) < 2 {
		return len(text)
	}
	_, size := utf8.DecodeRuneInString(text[1:])
	rest := text[1+size:]
	switch c := text[1]; {
	case (c == 'p' || c == 'P' || c == 'x') && strings.HasPrefix(rest, "{"):
		return 1 + size + strings.IndexByte(rest, '}') + 1
	case c == 'p' || c == 'P':
		_, letter := utf8.DecodeRuneInString(strings.TrimPrefix(rest, "^"))
		return 1 + size + letter
	case c == 'x':
		return 1 + size + min(len(rest), 2)
	}
	return 1 + size
}

// Any tells whether one of the texts matches.
func (p *Pattern) Any(texts ...string) bool {
	if p == nil {
		return true
	}
	for _, text := range texts {
		if p.MatchString(text) {
			return true
		}
	}
	return false
}

// Record tells whether a line's message matches. A gap has none.
func (p *Pattern) Record(r *LogRecord) bool {
	switch {
	case p == nil:
		return true
	case r.Gap != nil:
		return false
	case r.Message != nil:
		return p.MatchString(*r.Message)
	}
	return p.Match(r.MessageBase64)
}

// Event tells whether the workflow, the task, the status, the agent or the
// reason matches.
func (p *Pattern) Event(e *Event) bool {
	if p == nil {
		return true
	}
	texts := []string{e.Workflow, e.Status}
	for _, text := range []*string{e.Task, e.Agent, e.Reason} {
		if text == nil {
			text = new(string)
		}
		texts = append(texts, *text)
	}
	return p.Any(texts...)
}

// Glob tells whether a name is meant by a filter's workflow: * and ? are wild,
// everything else stands for itself, and an empty pattern is any name.
func Glob(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	p, n := []rune(pattern), []rune(name)
	i, j := 0, 0
	star, from := -1, 0 // the last *, and where what it stands for ends
	for j < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
