package cli

// DidYouMean returns ` (did you mean "x"?)` for the candidate nearest to name,
// or nothing where none is near.
func DidYouMean(name string, candidates []string) string {
	best, found := len(name)/3+2, ""
	for _, c := range candidates {
		if d := distance(name, c); d < best {
			best, found = d, c
		}
	}
	if found == "" {
		return ""
	}
	return ` (did you mean "` + found + `"?)`
}

// distance counts the edits from a to b: a letter more, less or other, or two
// neighbours swapped.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row := make([]int, len(y)+1)
		row[0] = i + 1
		for j := range y {
			same := 1
			if x[i] == y[j] {
				same = 0
			}
			row[j+1] = min(last[j]+same, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}
