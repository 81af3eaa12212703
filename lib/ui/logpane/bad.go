package logpane

import "strings"

// alarms are words that errors are told with, by their first letter.
var alarms = [256][]string{
	'e': {"error", "exception"},
	'f': {"fatal", "failed", "failure"},
	'p': {"panic"},
	't': {"traceback"},
}

// bad tells whether a line looks like an error: it has one of the alarms as a
// word of its own, in any case, or a name such as KeyError. Each line is looked
// at once, when it comes, so it must be quick.
func bad(text string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		words := alarms[c|0x20]
		if words == nil {
			continue
		}
		if i > 0 && letter(text[i-1]) && (c != 'E' || text[i-1] < 'a') {
			continue
		}
		for _, word := range words {
			end := i + len(word)
			if end <= len(text) && (end == len(text) || !letter(text[end])) && strings.EqualFold(text[i:end], word) {
				return true
			}
		}
	}
	return false
}

func letter(c byte) bool {
	c |= 0x20
	return c >= 'a' && c <= 'z'
}
