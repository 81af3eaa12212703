package wire

import "testing"

func TestGlobTakesStarAndQuestionMarkAlone(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "etl.daily", true},
		{"etl.daily", "etl.daily", true},
		{"etl.daily", "etlxdaily", false},
		{"etl.*", "etl.daily", true},
		{"etl.*", "etl.", true},
		{"etl.*", "xetl.daily", false},
		{"*.daily", "etl.a.daily", true},
		{"*a*b*", "xxaxxbxx", true},
		{"*a*b*", "xxbxxaxx", false},
		{"et?.daily", "etl.daily", true},
		{"et?.daily", "et.daily", false},
		{"?", "\u00e9", true},
		{"[ab]", "a", false},
		{"[ab]", "[ab]", true},
		{"a_%", "axx", false},
		{"**", "", true},
	} {
		if got := Glob(c.pattern, c.name); got != c.want {
			t.Errorf("Glob(%q, %q) is %v", c.pattern, c.name, got)
		}
	}
}

func TestPatternWithoutAnUpperCaseLetterMatchesAnyCase(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "anything", true},
		{"error", "An ERROR", true},
		{"Error", "An ERROR", false},
		{`\Serror`, "xERROR", true},
		{`\x41b`, "aB", true},
		{"(?P<Name>error)", "ERROR", true},
		{`\QError\E`, "ERROR", false},
		{"^$", "", true},
	} {
		p, err := ParsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Record(&LogRecord{Message: &c.text}); got != c.want {
			t.Errorf("%q on %q is %v", c.pattern, c.text, got)
		}
	}
	if _, err := ParsePattern("("); err == nil {
		t.Error("half a pattern is taken")
	}
}
