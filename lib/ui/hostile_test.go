package ui

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/cdktr/cdktr/lib/wire"
)

// nasty are texts that have broken screens.
var nasty = []string{
	"\x1b[2J\x1b[31mred\x1b[0m", "\x1b]0;title\x07x", "a\tb\tc", "over\rwritten", "line\nbreak", "日本語のワークフロー名", "e\u0301e\u0301\u0302\u0303\u0304\u0305",
	"👨‍👩‍👧‍👦 family", "🇬🇧🇫🇷", "❤️ heart", "👍🏽", "\u202eright to left", "\u200bzero\u200bwidth", "\xff\xfe bytes", "ﷺ", "नमस्ते", "각", "\u0897 new", "\u1112\u1161\u11ab", "กำ", "x\u0897\U00010efb", "\u0301", "\x00\x7f\u0085",
	strings.Repeat("w", 300), strings.Repeat("宽", 200), "",
}

func TestHostileNamesNeverBreakTheFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := plenty()
		for i, s := range nasty {
			id := fmt.Sprintf("nasty%07d", i)
			f.runs = append(f.runs, wire.Run{Run: id, Workflow: "w" + s, Status: []string{"FAILED", "PENDING", "RUNNING", "ODD" + s}[i%4], Trigger: s, Params: wire.Params{s: s}, Created: ago(0), Started: ago(0),
				Tasks: []wire.Task{{Task: s, Status: "FAILED", Attempt: 1, Agent: text(s), Reason: text(s), Started: ago(0)}}})
			f.workflows = append(f.workflows, wire.Workflow{Workflow: "w" + s})
		}
		for _, ascii := range []bool{false, true} {
			s := newStageWith(t, f, 120, 36, Options{ASCII: ascii, Name: "prod\x1b[2J日本", Colors: ManyColors})
			s.see("nasty")
			s.until("the tasks", func() bool { return s.a.k.world.details.peek("nasty0000020") != nil })
			views := [][]string{nil, {"z"}, {"z", "x"}, {"n", "u"}, {"j", "?"}, {"j", ":", "run "}, {"esc", "/", "日本\u0301"}, {"esc", "tab", "j"}}
			for _, view := range views {
				s.keys(view...)
				for _, size := range [][2]int{{leastWidth, 41}, {84, leastHeight}, {133, 41}} {
					s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
					for range 3 {
						s.frame()
						s.send(tea.KeyMsg{Type: tea.KeyDown})
					}
				}
				s.keys("esc")
			}
		}
	})
}

func TestFramesFitEveryWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 80, 24)
		for w := 1; w < 220; w += 7 {
			for h := 1; h < 60; h += 9 {
				s.send(tea.WindowSizeMsg{Width: w, Height: h})
				s.frame()
			}
		}
	})
}

func TestASCIIModeHasOnlyASCII(t *testing.T) {
	inBoth(t, func(t *testing.T, w, h int) {
		s := newStageWith(t, plenty(), w, h, Options{ASCII: true})
		s.until("all tasks", func() bool {
			row := s.a.k.world.run("a9d8f7g6h5j4")
			return row != nil && row.sum.total > 0 && s.a.k.world.known.agents && s.a.k.world.known.workflows
		})
		for _, keys := range []string{"", "?", "q:", "z"} {
			s.keys(keys)
			if frame := s.frame(); strings.ContainsFunc(frame, func(r rune) bool { return r >= utf8.RuneSelf }) {
				t.Error(frame)
			}
		}
		s.keys("esc", "esc", "esc")
		s.golden(fmt.Sprintf("runs-ascii-%d", w))
	})
}

func TestCharactersThatTerminalsDoNotDrawAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, s := range []string{"\u0382", "\u074b", "\u0adb", "\u0602", "\U000e0fff"} {
			if got := clean("a" + s); got != "a\ufffd" {
				t.Errorf("%q becomes %q", s, got)
			}
		}
		if s := "\ue0b0 é 漢"; clean(s) != s {
			t.Errorf("%q becomes %q", s, clean(s))
		}
	})
}

func TestStatesAreToldWithoutColours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t, 120, 36)
		if frame := s.a.View(); strings.Contains(frame, "38;") || strings.Contains(frame, "\x1b[3") {
			t.Errorf("there are colours: %q", frame)
		}
		for _, word := range []string{"✗ failed", "▶ running", "⧗ queued", "✓ success", "⊘ cancelled", "! lost"} {
			must(t, strings.Contains(s.frame(), word), "no "+word)
		}
	})
}

func FuzzClean(f *testing.F) {
	for _, s := range nasty {
		f.Add(s, 7)
	}
	k := &kit{glyph: newGlyphs(false)}
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(0, n%100)
		text := k.fit(s, n)
		if wide, narrow := ansi.StringWidth(text), ansi.StringWidthWc(text); wide != n || narrow != n || strings.ContainsAny(text, "\x1b\n\r\t\x00") || !utf8.ValidString(text) {
			t.Errorf("%q in %d cells becomes %q: %d or %d", s, n, text, wide, narrow)
		}
	})
}

// What is counted has the width that terminals give it, whatever stands beside it.
func TestCountedTextHasItsWidth(t *testing.T) {
	pieces := append([]string{"\x1b[1;38;5;75mbold\x1b[0m", "\x1b[m", "\x1b[", "\x1b", "m", "\x1b[2Km", "\x1b]0;m\x07"}, nasty...)
	for r := rune(' '); r <= 0x3100; r++ {
		pieces = append(pieces, string(r))
	}
	counts := 0
	for _, p := range pieces {
		for _, s := range []string{p, "a" + p + "│", "✓" + p} {
			if n, ok := counted(s); ok {
				counts++
				if n != ansi.StringWidth(s) || n != ansi.StringWidthWc(s) {
					t.Errorf("%q: %d cells, not %d or %d", s, n, ansi.StringWidth(s), ansi.StringWidthWc(s))
				}
			}
		}
	}
	if counts < 3*95 {
		t.Errorf("%d texts were counted", counts)
	}
}
