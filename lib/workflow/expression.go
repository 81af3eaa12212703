package workflow

import (
	"fmt"
	"strings"

	"github.com/cdktr/cdktr/lib/suggest"
)

// Source is where the value of an expression comes from.
type Source string

const (
	FromParams Source = "params" // a parameter of the run
	FromTasks  Source = "tasks"  // an output of a task
	FromRun    Source = "run"    // id, or attempt: the task's
	FromEnv    Source = "env"    // a variable of the file
)

// Reference is what an expression names.
type Reference struct {
	From Source
	Task string // whose output
	Name string
}

// String is the expression without its braces.
func (r Reference) String() string {
	if r.From == FromTasks {
		return "tasks." + r.Task + outputs + r.Name
	}
	return string(r.From) + "." + r.Name
}

const (
	opening = "${{"
	closing = "}}"
	outputs = ".outputs."
)

// piece is a part of a text: an expression, or what stands between two.
type piece struct {
	text      string // as it is written, without the braces of an expression
	offset    int    // of its first byte, in bytes
	reference *Reference
	mistake   string // why it is no expression
}

// split cuts a text into pieces. $${{ is the text ${{.
func split(text string) []piece {
	var pieces []piece
	literal := func(from, to int) {
		if from < to {
			pieces = append(pieces, piece{text: text[from:to], offset: from})
		}
	}
	from := 0 // of what is not yet in a piece
	for at := 0; ; {
		next := strings.Index(text[at:], opening)
		if next < 0 {
			literal(from, len(text))
			return pieces
		}
		next += at
		at = next + len(opening)
		if next > from && text[next-1] == '$' {
			literal(from, next-1)
			from = next
			continue
		}
		literal(from, next)
		// Not beyond the next one: many that have no end must not be searched
		// for it to the end of the text each.
		reach := text[at:]
		if again := strings.Index(reach, opening); again >= 0 {
			reach = reach[:again]
		}
		inner, _, closed := strings.Cut(reach, closing)
		if !closed {
			pieces = append(pieces, piece{text: opening, offset: next, mistake: `"${{" has no end; an expression ends with }}, and the text ${{ is written $${{`})
			from = at
			continue
		}
		p := piece{text: inner, offset: next}
		if r, err := parseReference(strings.TrimSpace(inner)); err != nil {
			p.mistake = err.Error()
		} else {
			p.reference = &r
		}
		pieces = append(pieces, p)
		at += len(inner) + len(closing)
		from = at
	}
}

// parseReference reads what stands between the braces.
func parseReference(text string) (Reference, error) {
	root, rest, dotted := strings.Cut(text, ".")
	from := Source(root)
	switch {
	case text == "":
		return Reference{}, fmt.Errorf("an empty expression; it needs a name, such as params.date")
	case strings.ContainsAny(text, " \t\r\n"):
		return Reference{}, fmt.Errorf("%s is no expression; only a name can stand in it, such as params.date", quote(text))
	case from == "secrets":
		return Reference{}, fmt.Errorf("unknown name %s; a secret is a variable of the task, $NAME, and no expression", quote(text))
	case from != FromParams && from != FromTasks && from != FromRun && from != FromEnv:
		hint := ""
		if meant := suggest.Name(root, []string{string(FromParams), string(FromTasks), string(FromRun), string(FromEnv)}); meant != "" {
			hint = fmt.Sprintf(" (did you mean %s?)", quote(meant+strings.TrimPrefix(text, root)))
		}
		return Reference{}, fmt.Errorf("unknown name %s%s; there are params.NAME, tasks.ID.outputs.NAME, run.id, run.attempt and env.NAME", quote(text), hint)
	case from == FromTasks:
		i := strings.LastIndex(rest, outputs)
		if i < 1 || !isVariable(rest[i+len(outputs):]) {
			return Reference{}, fmt.Errorf("%s is no expression; an output is tasks.ID.outputs.NAME", quote(text))
		}
		return Reference{From: from, Task: rest[:i], Name: rest[i+len(outputs):]}, nil
	case !dotted || rest == "":
		return Reference{}, fmt.Errorf("%s is no expression; it needs a name: %s.NAME", quote(text), root)
	case from == FromRun && rest != "id" && rest != "attempt":
		return Reference{}, fmt.Errorf("unknown name %s%s; there are run.id and run.attempt", quote(text), suggest.Hint(text, []string{"run.id", "run.attempt"}))
	}
	return Reference{From: from, Name: rest}, nil
}

// Expand replaces the expressions in a text by what value says they stand for.
func Expand(text string, value func(Reference) (string, error)) (string, error) {
	if !strings.Contains(text, opening) {
		return text, nil
	}
	var out strings.Builder
	for _, p := range split(text) {
		switch {
		case p.mistake != "":
			return "", fmt.Errorf("%s", p.mistake)
		case p.reference == nil:
			out.WriteString(p.text)
		default:
			v, err := value(*p.reference)
			if err != nil {
				return "", err
			}
			out.WriteString(v)
		}
	}
	return out.String(), nil
}
