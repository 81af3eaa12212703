package workflow

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestTextsAreExpanded(t *testing.T) {
	value := func(r Reference) (string, error) {
		if r.Name == "lost" {
			return "", errors.New("it is lost")
		}
		return "<" + r.String() + ">", nil
	}
	for text, want := range map[string]string{
		"":                                      "",
		"$HOME $(date) ${x} {{ y }} $ {{":       "$HOME $(date) ${x} {{ y }} $ {{",
		"${{ params.date }}":                    "<params.date>",
		"a${{params.date}}b${{\tenv.A\n}}c":     "a<params.date>b<env.A>c",
		"${{ run.id }}${{ run.attempt }}":       "<run.id><run.attempt>",
		"${{ tasks.a.b.outputs.rows }}":         "<tasks.a.b.outputs.rows>",
		"${{ tasks.a.outputs.b.outputs.rows }}": "<tasks.a.outputs.b.outputs.rows>",
		"${{ params.a.b-c|d }}":                 "<params.a.b-c|d>",
		"$${{ params.date }}":                   "${{ params.date }}",
		"$$${{":                                 "$${{",
		"${{ run.id }}$${{ run.id }}":           "<run.id>${{ run.id }}",
		"${{ run.id }}}}":                       "<run.id>}}",
		"${{ params.lost }}":                    "error: it is lost",
		"${{ x }}":                              `error: unknown name "x"; there are params.NAME, tasks.ID.outputs.NAME, run.id, run.attempt and env.NAME`,
		"${{ run.id":                            `error: "${{" has no end; an expression ends with }}, and the text ${{ is written $${{`,
	} {
		got, err := Expand(text, value)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A value is text, whatever is in it: it is not read again.
func TestValueIsNotExpanded(t *testing.T) {
	const value = "${{ run.id }} $${{ ${{"
	got, err := Expand("a ${{ params.x }} b", func(Reference) (string, error) { return value, nil })
	if err != nil || got != "a "+value+" b" {
		t.Errorf("%q, %v", got, err)
	}
}

// The pieces of a text are all of it, in order; every text can be written; a
// value comes out as it is; and the place of an expression in a file is where
// it begins, or that of the whole text.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{
		"", "${{ params.x }}", "$${{ a }} ${{ tasks.a.outputs.b }}", "${{ ${{ run.id }}", "${{", "}}${{}}", "$$${{ env.A }}",
		"one\ntwo ${{ run.id }}\n\n  three: ${{ env.ä }}\n", "a: 'b' \"c\" # ${{ d }}", "\u2028 ${{ run.id }}\u0085${{ x }}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		for _, p := range split(text) {
			if p.offset < end || p.offset > end+1 || p.reference != nil && p.mistake != "" {
				t.Fatalf("piece %+v after byte %d", p, end)
			}
			switch {
			case p.mistake == "" && p.reference == nil:
				end = p.offset + len(p.text)
				continue
			case !strings.HasPrefix(text[p.offset:], opening):
				t.Fatalf("piece %+v does not begin an expression", p)
			case p.text == opening:
				end = p.offset + len(opening)
			default:
				end = p.offset + len(opening) + len(p.text) + len(closing)
			}
			if p.reference != nil {
				if again, err := parseReference(p.reference.String()); err != nil || again != *p.reference {
					t.Errorf("%+v becomes %+v, %v", *p.reference, again, err)
				}
			}
		}
		if end != len(text) {
			t.Errorf("the pieces end at byte %d of %d", end, len(text))
		}
		same := func(Reference) (string, error) { return text, nil }
		if got, err := Expand(strings.ReplaceAll(text, opening, "$"+opening), same); err != nil || got != text {
			t.Errorf("%q cannot be written: %q, %v", text, got, err)
		}
		if got, err := Expand("<${{ run.id }}>", same); err != nil || got != "<"+text+">" {
			t.Errorf("the value %q comes out as %q, %v", text, got, err)
		}
		for _, style := range []yaml.Style{0, yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle} {
			if err := checkPlaces(text, style); err != nil {
				t.Error(err)
			}
		}
	})
}

func checkPlaces(text string, style yaml.Style) error {
	file, err := yaml.Marshal(&yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: text, Style: style},
		{Kind: yaml.ScalarNode, Value: strings.Repeat(opening, 5)},
	}})
	if err != nil {
		return nil // no text that YAML can hold
	}
	documents, err := parseYAML(file)
	if err != nil {
		return nil
	}
	n := documents[0].Content[0].Content[0]
	if n.Kind != yaml.ScalarNode {
		return nil
	}
	d := &decoder{data: file}
	for from, k := 0, 0; ; k++ {
		i := strings.Index(n.Value[from:], opening)
		if i < 0 {
			return nil
		}
		line, column := d.place(n, n.Value, from+i)
		from += i + len(opening)
		at := d.offsetOf(line, column)
		exact := strings.HasPrefix(string(file[at:]), opening) && strings.Count(string(file[:at]), opening) == k
		if !exact && (line != n.Line || column != n.Column) {
			return fmt.Errorf("expression %d of %q is said to be at %d:%d of\n%s", k, n.Value, line, column, file)
		}
	}
}
