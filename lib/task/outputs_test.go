package task

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/wire"
)

func TestOutputsAreRead(t *testing.T) {
	long := strings.Repeat("x", maxOutputs-2)
	for _, c := range []struct {
		name, text string
		want       map[string]string
		wrong      string
	}{
		{name: "nothing"},
		{name: "blank lines", text: "\n  \n\t\r\n"},
		{name: "two", text: "a=1\n\nB_2=two words \n", want: map[string]string{"a": "1", "B_2": "two words "}},
		{name: "no final newline", text: "a=1", want: map[string]string{"a": "1"}},
		{name: "the last one wins", text: "a=1\na=\na=3\n", want: map[string]string{"a": "3"}},
		{name: "an empty value", text: "a=\n", want: map[string]string{"a": ""}},
		{name: "more signs", text: "a=b=c='d'\n", want: map[string]string{"a": "b=c='d'"}},
		{name: "as much as may be", text: "a=" + long, want: map[string]string{"a": long}},
		{name: "too much", text: "a=" + long + "\n", wrong: "$CDKTR_OUTPUT: more than 65536 bytes"},
		{name: "no sign", text: "a=1\n\nhunter2\n", wrong: "$CDKTR_OUTPUT, line 3: not NAME=VALUE"},
		{name: "no name", text: "=1\n", wrong: "$CDKTR_OUTPUT, line 1: the name before the = must be letters, digits and _, no digit first"},
		{name: "a digit first", text: "1a=1\n", wrong: "$CDKTR_OUTPUT, line 1: the name before"},
		{name: "a space", text: "a =1\n", wrong: "$CDKTR_OUTPUT, line 1: the name before"},
		{name: "a letter of another alphabet", text: "é=1\n", wrong: "$CDKTR_OUTPUT, line 1: the name before"},
		{name: "NUL", text: "a=1\nb=\x00\n", wrong: "$CDKTR_OUTPUT, line 2: the value holds a NUL byte"},
		{name: "not UTF-8", text: "a=\xff\n", wrong: "$CDKTR_OUTPUT, line 1: the value is not UTF-8"},
	} {
		path, err := newOutputFile(t.TempDir())
		if err == nil {
			err = os.WriteFile(path, []byte(c.text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := readOutputs(path)
		switch {
		case c.wrong == "" && (err != nil || !maps.Equal(got, c.want)):
			t.Errorf("%s: %.200q, %v", c.name, got, err)
		case c.wrong != "" && (err == nil || !strings.HasPrefix(err.Error(), c.wrong)):
			t.Errorf("%s: %v, want %s", c.name, err, c.wrong)
		}
	}
}

func FuzzOutputs(f *testing.F) {
	f.Add([]byte("a=1\nb = 2\n\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := parseOutputs(text)
		if err != nil {
			return
		}
		var again strings.Builder
		for name, value := range all {
			again.WriteString(name + "=" + value + "\n")
		}
		if same, err := parseOutputs([]byte(again.String())); err != nil || !maps.Equal(all, same) {
			t.Errorf("%q: %q, then %q, %v", text, all, same, err)
		}
	})
}

func TestTaskHandsOutputsOn(t *testing.T) {
	dir := t.TempDir()
	spec := script(`stat -c %a "$CDKTR_OUTPUT"; echo rows=7 >> "$CDKTR_OUTPUT"; exit $CODE`)
	spec.Dir = dir
	for _, code := range []string{"0", "3"} {
		spec.Env = map[string]string{"CODE": code}
		p, out := start(t, spec, Options{})
		e := p.Wait()
		if e.Outcome() != "exited" || e.Outputs["rows"] != "7" || len(e.Outputs) != 1 {
			t.Errorf("%+v", e)
		}
		if got := out.texts(wire.Stdout); len(got) != 1 || got[0] != "600" {
			t.Errorf("mode %q", got)
		}
	}
}

// What is under the name when the task has ended may be anything: nothing is
// waited for, nothing else is read, and nothing stays.
func TestOutputFileMayHaveBecomeAnything(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte("stolen=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const notFile = "$CDKTR_OUTPUT: something else is there in place of the file"
	for _, c := range []struct{ name, script, reason, output string }{
		{"removed", `rm "$CDKTR_OUTPUT"`, "", ""},
		{"replaced", `echo a=new > "$CDKTR_OUTPUT.x"; mv "$CDKTR_OUTPUT.x" "$CDKTR_OUTPUT"`, "", "new"},
		{"a pipe", `rm "$CDKTR_OUTPUT"; mkfifo "$CDKTR_OUTPUT"`, notFile, ""},
		{"a link", `ln -sf "$OTHER" "$CDKTR_OUTPUT"`, notFile, ""},
		{"a link to nothing", `ln -sf /no/such "$CDKTR_OUTPUT"`, notFile, ""},
		{"a directory", `rm "$CDKTR_OUTPUT"; mkdir -p "$CDKTR_OUTPUT/x/y"; echo > "$CDKTR_OUTPUT/x/z"`, notFile, ""},
		{"huge", `truncate -s 1T "$CDKTR_OUTPUT"`, "$CDKTR_OUTPUT: more than 65536 bytes", ""},
		{"no NAME=VALUE", `echo a=1 > "$CDKTR_OUTPUT"; echo words >> "$CDKTR_OUTPUT"`, "$CDKTR_OUTPUT, line 2: not NAME=VALUE", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := script(c.script)
			spec.Env = map[string]string{"OTHER": other}
			began := time.Now()
			p, out := start(t, spec, Options{})
			e := p.Wait()
			want := "exited"
			if c.reason != "" {
				want = "unable"
			}
			if e.Code != 0 || e.Outcome() != want || e.Reason != c.reason || e.Outputs["a"] != c.output || e.Outputs["stolen"] != "" {
				t.Errorf("%+v: %q", e, out.texts(wire.Stderr))
			}
			if said := strings.Join(out.texts(wire.System), "\n"); strings.Contains(said, "its outputs are not taken: $CDKTR_OUTPUT") != (c.reason != "") {
				t.Errorf("system: %q", said)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	if b, err := os.ReadFile(other); err != nil || string(b) != "stolen=1\n" {
		t.Errorf("the other file: %q, %v", b, err)
	}
}

// How a task failed is said before what is wrong with its outputs.
func TestFailureOfTheTaskComesFirst(t *testing.T) {
	for _, c := range []struct {
		script  string
		timeout time.Duration
		outcome string
		reason  string
	}{
		{"echo x > $CDKTR_OUTPUT; exit 3", 0, "exited", ""},
		{"echo x > $CDKTR_OUTPUT; trap 'exit 0' TERM; sleep 1000 & wait", 300 * time.Millisecond, "timed_out", "timeout after 300ms"},
	} {
		p, out := start(t, script(c.script), Options{Timeout: c.timeout})
		if e := p.Wait(); e.Outcome() != c.outcome || e.Reason != c.reason || len(e.Outputs) > 0 {
			t.Errorf("%s: %+v, %q", c.script, e, out.texts(wire.System))
		}
	}
}
