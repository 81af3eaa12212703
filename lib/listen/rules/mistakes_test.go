package rules

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// mistakes are the files of testdata/mistakes.txt with what is told of them.
func mistakes(t testing.TB) map[string][2]string {
	t.Helper()
	text, err := os.ReadFile("testdata/mistakes.txt")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][2]string{}
	for _, c := range strings.Split("\n"+string(text), "\n=== ")[1:] {
		name, c, _ := strings.Cut(c, "\n")
		file, told, found := strings.Cut("\n"+c, "\n----\n")
		if !found {
			t.Fatalf("%s has no end", name)
		}
		files[name] = [2]string{strings.TrimPrefix(file, "\n") + "\n", strings.TrimSpace(told)}
	}
	return files
}

func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	for name, c := range mistakes(t) {
		r, problems := Parse("r.yml", []byte(c[0]))
		var told []string
		for _, p := range problems {
			told = append(told, p.String())
		}
		if got := strings.Join(told, "\n"); got != c[1] || r != nil {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c[1])
		}
	}
}

func TestMistakesOfBytes(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"rules:\n- é\xff", "r.yml:2:4: the file is not UTF-8"},
		{"rules:\n- \uFFFD\n- \xff", "r.yml:3:3: the file is not UTF-8"},
		{strings.Repeat("#", MaxFile+1), "r.yml: the file is larger than 1 MiB"},
		{"rules:\n" + strings.Repeat("- {match: x, workflow: w}\n", maxRules+1), "r.yml:1002:3: more than 1000 rules"},
		{"rules: \x00", "r.yml:1:1: not valid YAML: control characters are not allowed"},
		{"rules: &a [*a]", "r.yml:1:8: a rule must be a mapping, not a list"},
	} {
		_, problems := Parse("r.yml", []byte(c.file))
		if len(problems) != 1 || problems[0].String() != c.want {
			t.Errorf("%.40q: %v, want %s", c.file, problems, c.want)
		}
	}
	_, problems := Parse("r.yml", []byte("rules:\n"+strings.Repeat("- {}\n", 200)))
	if n := len(problems); n != maxProblems+1 || problems[n-1].String() != "r.yml: and 300 more" {
		t.Errorf("%d problems, the last is %s", n, problems[n-1])
	}
	_, problems = Parse("r.yml", []byte("\uFEFFrules:\r\n- {match: x, workflow: w}\r\n"))
	if len(problems) > 0 {
		t.Errorf("a byte order mark and CRLF: %v", problems)
	}
}

// What has no mistake makes an event of any line, or says why not.
func FuzzParse(f *testing.F) {
	for _, c := range mistakes(f) {
		f.Add([]byte(c[0]), []byte(`{"a":{"b":[1,null]}}`))
	}
	for _, c := range events {
		for _, line := range c.lines {
			f.Add([]byte(c.file), []byte(line.text))
		}
	}
	f.Fuzz(func(t *testing.T, file, line []byte) {
		r, problems := Parse("r.yml", file)
		if (r == nil) != (len(problems) > 0) {
			t.Fatalf("rules %v, problems %v", r, problems)
		}
		lines := 1
		for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} { // YAML has more than most
			lines += strings.Count(string(file), end)
		}
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 || p.Line > lines || p.Line > 0 && p.Column < 1 {
				t.Errorf("problem without a place: %#v", p)
			}
		}
		if r == nil {
			return
		}
		if slices.Contains(line, '\n') {
			return
		}
		e, err := r.Event(line)
		if (err == nil) != (e.Trigger.Workflow != "") {
			t.Errorf("%q became %+v, %v", line, e.Trigger, err)
		}
	})
}
