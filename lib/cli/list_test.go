package cli

import "testing"

func TestListIsATableForPeopleAndJSONLinesForPrograms(t *testing.T) {
	type thing struct {
		Name string  `json:"name"`
		Next *string `json:"next"`
	}
	const lines = "{\"name\":\"a<b\",\"next\":null}\n{\"name\":\"long\\u001b\",\"next\":null}\n"
	const table = "NAME      NEXT\na<b       -\nlong\\x1b  -\n"
	for _, test := range []struct {
		format   string
		terminal bool
		want     string
	}{
		{"", false, lines}, {"auto", false, lines}, {"json", true, lines},
		{"", true, table}, {"auto", true, table}, {"table", false, table},
	} {
		w := newWorld(t)
		w.OutTerminal = test.terminal
		l := NewList(w.Env, test.format, "NAME", "NEXT")
		for _, name := range []string{"a<b", "long\x1b"} {
			if err := l.Add(thing{Name: name}, name, "-"); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Flush(); err != nil || w.out.String() != test.want {
			t.Errorf("%q, terminal %v: %q, %v", test.format, test.terminal, &w.out, err)
		}
	}
}
