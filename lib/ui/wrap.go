package ui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// wrap breaks clean text into lines of at most w cells, between words where that
// is possible.
func wrap(text string, w int) []string {
	return strings.Split(ansi.Wrap(text, max(w, 1), ""), "\n")
}

// emptyText is empty for lines that may be long, such as errors.
func (k *kit) emptyText(w, h int, lines ...string) []string {
	var all []string
	for _, line := range lines {
		all = append(all, wrap(clean(line), w-4)...)
	}
	return k.empty(w, h, all[:min(len(all), max(h, 0))]...)
}
