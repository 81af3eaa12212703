package workflow

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the expected messages of testdata/mistakes.txt anew")

// The file holds cases: a title line "=== …", a workflow file, "----", and
// what must be said about it.
func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	var out bytes.Buffer
	for _, c := range mistakes(t) {
		def, errors, _ := Parse("w", "w.yml", []byte(c.text))
		got := lines(errors)
		if def != nil || len(errors) == 0 {
			t.Errorf("%s: it loads", c.title)
		}
		fmt.Fprintf(&out, "=== %s\n%s----\n%s\n\n", c.title, c.text, got)
		if !*update && got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.title, got, c.want)
		}
	}
	if *update {
		if err := os.WriteFile(mistakesFile, bytes.TrimRight(out.Bytes(), "\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

const mistakesFile = "testdata/mistakes.txt"

type mistake struct{ title, text, want string }

func mistakes(t *testing.T) []mistake {
	t.Helper()
	data, err := os.ReadFile(mistakesFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []mistake
	for _, c := range strings.Split(string(data), "=== ")[1:] {
		title, rest, _ := strings.Cut(c, "\n")
		text, want, found := strings.Cut(rest, "----\n")
		if !found {
			t.Fatalf("%s: no ----", title)
		}
		all = append(all, mistake{title, text, strings.TrimSpace(want)})
	}
	return all
}

// unprintable are mistakes that a file of texts cannot show.
func unprintable() []mistake {
	const good = "tasks: {a: {run: x}}"
	long := strings.Repeat("x", 200)
	return []mistake{
		{"nothing", "", "w.yml:1:1: the file is empty; a workflow needs tasks"},
		{"not UTF-8", "name: \xe4\n" + good, "w.yml:1:7: byte 0xe4 is not UTF-8"},
		{"columns are characters", "name: ä\nenv: {ä: \"ö\", ü: [}", "w.yml:2:1: not valid YAML: did not find expected node content"},
		{"UTF-16", "\xff\xfet\x00", "w.yml:1:1: the file is UTF-16; save it as UTF-8"},
		{"NUL", "name: a\n# ä\x00", "w.yml:2:4: control character U+0000"},
		{"NUL by its escape", "name: ä\ntasks: {ä: {run: \"\\0\"}}", "w.yml:2:9: task id \"ä\" may have only letters, digits, and _ . -; what people see is its name\nw.yml:2:18: run contains a NUL character"},
		{"a tab", "tasks:\n\ta: x\n", "w.yml:2:1: not valid YAML: a tab; indent with spaces"},
		{"a long task id", "tasks: {" + long + ": {run: x}}", `w.yml:1:9: task id "` + long[:60] + `…" is longer than 128 characters`},
		{"a huge parameter", "params: {a: " + strings.Repeat("x", 64<<10+1) + "}\n" + good, `w.yml:1:13: the default of parameter "a" is longer than 64 KiB`},
		{"a huge variable", "env: {a: " + strings.Repeat("x", 128<<10) + "}\n" + good, `w.yml:1:10: variable "a" is longer than 128 KiB, the most that a program can be given`},
		{"a huge file", good + strings.Repeat("\n", 1<<20), "w.yml: the file is larger than 1 MiB"},
		{"a mark and no UTF-8", "\uFEFFname: \xe4", "w.yml:1:7: byte 0xe4 is not UTF-8"},
		{"deep through an alias", "name: &a " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "\ncron: " + strings.Repeat("[", 24) + "*a" + strings.Repeat("]", 24), "w.yml:2:31: nested more than 64 levels deep"},
		{"deep", "name: " + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "\n" + good, "w.yml:1:70: nested more than 64 levels deep"},
	}
}

func TestWhatNoTextFileCanShow(t *testing.T) {
	for _, c := range unprintable() {
		def, errors, _ := Parse("w", "w.yml", []byte(c.text))
		if got := lines(errors); def != nil || got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.title, got, c.want)
		}
	}
}

func TestNestingOf64IsNoMistakeOfItsOwn(t *testing.T) {
	_, errors, _ := Parse("w", "w.yml", []byte("name: "+strings.Repeat("[", 63)+strings.Repeat("]", 63)+"\ntasks: {a: {run: x}}"))
	if got := lines(errors); got != "w.yml:1:7: name must be text, not a list" {
		t.Error(got)
	}
}

// What is small as YAML may be large as JSON, as agents get it.
func TestTaskIsBoundedAsItIsSent(t *testing.T) {
	escapes := strings.Repeat(`\e`, 30_000)
	args := `args: [&x "` + escapes + `"` + strings.Repeat(", *x", 59) + "]"
	task := "tasks:\n fine: {run: x}\n"
	for _, c := range []struct{ name, text, want string }{
		{"arguments", task + " big: {config: !Subprocess {cmd: x, " + args + "}}", `w.yml:3:2: task "big" is too large: written as JSON, with its aliases expanded and all its variables, it has 10800`},
		{"its variables", task + ` big: {run: x, env: {A: &x "` + escapes + `"` + more("*x", 12) + "}}", `w.yml:3:2: task "big" is too large`},
		{"the workflow's", task + ` big: {run: x, env: {A: &x "` + escapes + `"` + more("*x", 5) + "}}\nenv: {Z: *x" + more("*x", 5) + "}", `w.yml:3:2: task "big" is too large`},
		{"the parameters'", task + ` big: {run: x, env: {A: &x "` + escapes + `"` + more("*x", 5) + "}}\nparams: {Z: *x" + more("*x", 5) + "}", `w.yml:3:2: task "big" is too large`},
	} {
		def, errors, _ := Parse("w", "w.yml", []byte(c.text))
		if got := lines(errors); def != nil || !strings.HasPrefix(got, c.want) || len(errors) != 1 {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	if _, errors, _ := Parse("w", "w.yml", []byte("tasks:\n a:\n  run: |\n   "+strings.Repeat("<&>\"", 200_000))); len(errors) > 0 {
		t.Errorf("a long script: %s", lines(errors))
	}
}

// more is n more variables of one value.
func more(value string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ", V%d: %s", i, value)
	}
	return b.String()
}

func TestTaskCountIsBounded(t *testing.T) {
	build := func(n int) []byte {
		var b bytes.Buffer
		b.WriteString("tasks:\n")
		for i := range n {
			fmt.Fprintf(&b, " t%d: {run: x, depends: [", i)
			if i > 0 {
				fmt.Fprintf(&b, "t%d", i-1)
			}
			b.WriteString("]}\n")
		}
		return b.Bytes()
	}
	if def, errors, _ := Parse("w", "w.yml", build(10_000)); def == nil || len(def.Tasks) != 10_000 {
		t.Errorf("10,000 tasks: %v", errors)
	}
	_, errors, _ := Parse("w", "w.yml", build(10_001))
	if got := lines(errors); got != "w.yml:2:2: 10001 tasks; a workflow has at most 10000" {
		t.Error(got)
	}
}

// What follows is written to make a parser work for ever, or fill the memory.
func TestHostileFileIsRefusedQuickly(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	var merges strings.Builder
	merges.WriteString("a0: &a0 {x: 1}\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&merges, "a%d: &a%d {<<: [*a%d, *a%d]}\n", i, i, i-1, i-1)
	}
	var chain strings.Builder
	chain.WriteString("a0: &a0 [x]\n")
	for i := 1; i < 5000; i++ {
		fmt.Fprintf(&chain, "a%d: &a%d [*a%d]\n", i, i, i-1)
	}
	var unknown strings.Builder
	unknown.WriteString("tasks:\n")
	for i := range 9000 {
		fmt.Fprintf(&unknown, " t%d: {run: x, depends: [%s%d]}\n", i, strings.Repeat("y", 80), i)
	}
	var dense strings.Builder
	dense.WriteString("tasks:\n a0: {run: x, depends: &all [a0")
	for i := 1; i < 1000; i++ {
		fmt.Fprintf(&dense, ",a%d", i)
	}
	dense.WriteString("]}\n")
	for i := 1; i < 300; i++ {
		fmt.Fprintf(&dense, " a%d: {run: x, depends: *all}\n", i)
	}
	big := strings.Repeat("x", 500_000)
	for name, text := range map[string]string{
		"alias bomb":           bomb.String(),
		"merge bomb":           merges.String(),
		"alias chain":          chain.String(),
		"alias of a long text": "tasks: {a: {config: !Subprocess {cmd: x, args: [&a " + big[:100_000] + strings.Repeat(", *a", 25) + "]}}}",
		"alias of itself":      "tasks: &a\n  b: *a\n",
		"merge of itself":      "tasks: &a\n  <<: *a\n",
		"brackets":             strings.Repeat("[", 1<<20-1),
		"braces":               strings.Repeat("{", 1<<20-1),
		"brace pairs":          strings.Repeat("{a: ", 1<<18-1),
		"dashes":               strings.Repeat("- ", 1<<19-1),
		"question marks":       strings.Repeat("? ", 1<<19-1),
		"comments":             strings.Repeat("#\n", 1<<19-1),
		"comments of a list":   "a:\n" + strings.Repeat(" #\n - x\n", 1<<17-1),
		"an open quote":        strings.Repeat("\n", 1<<19) + "a: \"" + big,
		"commas":               "a: [" + strings.Repeat("a,", 1<<19-4) + "]",
		"duplicate keys":       strings.Repeat("a:\n", 300_000),
		"unknown keys":         strings.Repeat("? "+big[:20]+"\n", 40_000),
		"misspelt depends":     unknown.String(),
		"dense cycles":         dense.String(),
		"anchors":              strings.Repeat("- &a x\n", 140_000),
		"documents":            strings.Repeat("---\n", 1<<18-1),
		"expressions":          "params: {p: 1}\ntasks: {a: {run: \"" + strings.Repeat("${{ params.q }}", 60_000) + "\"}}",
		"open expressions":     "tasks: {a: {run: \"" + strings.Repeat("${{ ", 250_000) + "\"}}",
		"late mistake":         strings.Repeat("a: b\n", 200_000) + "\t[",
	} {
		start := time.Now()
		def, errors, _ := Parse("w", "w.yml", []byte(text))
		took := time.Since(start)
		t.Logf("%-22s %6d ms %4d problems: %s", name, took.Milliseconds(), len(errors), errors[0].Message)
		if def != nil || len(errors) > maxProblems+1 {
			t.Errorf("%s: %d problems", name, len(errors))
		}
		if took > 20*time.Second { // a hang, not a slow machine
			t.Errorf("%s took %s", name, took)
		}
	}
}
