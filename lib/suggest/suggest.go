// Package suggest guesses what a misspelt name was meant to be. It knows names
// only, not what they are of.
package suggest

import (
	"fmt"
	"strings"
)

// Hint returns ` (did you mean "x"?)` to end an error message with, or nothing
// where no name is near.
func Hint(name string, among []string) string {
	if meant := Name(name, among); meant != "" {
		return fmt.Sprintf(" (did you mean %q?)", meant)
	}
	return ""
}

// Name returns the name that was probably meant, or "" if none is near: one
// within a third of its letters (at least one, at most three), or one whose
// last dotted part is the name. Of several equally near ones it is the first.
func Name(name string, among []string) string {
	const longest = 128
	if len(name) > longest {
		return ""
	}
	wanted := []rune(strings.ToLower(name))
	best, bestDistance := "", min(max(len(wanted)/3, 1), 3)+1
	// A name that shares no letter with the candidate is no misspelling of it.
	bestDistance = min(bestDistance, len(wanted))
	suffixed := ""
	for _, candidate := range among {
		if len(candidate) > longest || candidate == name {
			continue
		}
		if suffixed == "" && name != "" && strings.HasSuffix(candidate, "."+name) {
			suffixed = candidate
		}
		if d := distance(wanted, []rune(strings.ToLower(candidate)), bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if best == "" {
		return suffixed
	}
	return best
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours between a and b. It gives up at limit and returns that.
func distance(a, b []rune, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		nearest := row[0]
		for j := 1; j <= len(b); j++ {
			substitution := above[j-1]
			if a[i-1] != b[j-1] {
				substitution++
			}
			row[j] = min(above[j]+1, row[j-1]+1, substitution)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			nearest = min(nearest, row[j])
		}
		// One more row, because a swap looks two rows back.
		if nearest > limit {
			return limit
		}
		before, above, row = above, row, before
	}
	return min(above[len(b)], limit)
}

func abs(n int) int { return max(n, -n) }
