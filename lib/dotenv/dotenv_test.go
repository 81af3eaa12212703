package dotenv

import "testing"

func TestLineIsReadAsAShellWould(t *testing.T) {
	getenv := func(name string) (string, bool) { return "<" + name + ">", true }
	for _, c := range []struct {
		line, name, value string
		ok, wrong         bool
	}{
		{line: ""},
		{line: "  # A=b"},
		{line: "no sign"},
		{line: "A=b", name: "A", value: "b", ok: true},
		{line: "  export A = b # why", name: "A", value: "b", ok: true},
		{line: "A=b#c", name: "A", value: "b#c", ok: true},
		{line: "A=# nothing", name: "A", ok: true},
		{line: "A=${B}/x\r", name: "A", value: "<B>/x", ok: true},
		{line: "A=b=c", name: "A", value: "b=c", ok: true},
		{line: "A=$B${C}", name: "A", value: "<B><C>", ok: true},
		{line: `A="$B # x" # y`, name: "A", value: "<B> # x", ok: true},
		{line: `A='$B # x'`, name: "A", value: "$B # x", ok: true},
		{line: `A="b`, name: "A", ok: true, wrong: true},
		{line: `A='b' c`, name: "A", ok: true, wrong: true},
	} {
		name, value, ok, err := Line(c.line, getenv)
		if name != c.name || value != c.value || ok != c.ok || (err != nil) != c.wrong {
			t.Errorf("%q: %q %q %v %v", c.line, name, value, ok, err)
		}
	}
}

func TestWithoutAnEnvironmentNothingIsReplaced(t *testing.T) {
	for _, line := range []string{"A=p$B${C}$$", `A="p$B${C}$$"`} {
		if _, value, _, err := Line(line, nil); value != "p$B${C}$$" || err != nil {
			t.Errorf("%s: %q, %v", line, value, err)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("export CDKTR_LOG_LEVEL=\"x$y\" # z")
	f.Fuzz(func(t *testing.T, line string) {
		name, _, ok, err := Line(line, func(string) (string, bool) { return "", false })
		if !ok && (name != "" || err != nil) {
			t.Errorf("%q: %q, %v", line, name, err)
		}
	})
}
