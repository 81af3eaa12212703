package main

import (
	"strings"
	"testing"
)

func TestScreenBecomesAPicture(t *testing.T) {
	var b strings.Builder
	screen := "a \x1b[1;38;5;203m✗ <failed>\x1b[0m\x1b[7m x\x1b[27m\n"
	if err := draw(strings.NewReader(screen), &b, 20); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`>a</text>`, `font-weight="bold">✗ &lt;failed&gt;</text>`, `fill="#ff5f5f"`, `<rect x="112.8"`, "</svg>",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in\n%s", want, b.String())
		}
	}
}
