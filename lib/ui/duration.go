package ui

import (
	"fmt"
	"strconv"
	"time"
)

// took shows a duration in at most six cells: 340ms, 58s, 4m2s, 1h05m, 3d04h.
func took(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + "ms"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s"
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	case d < 1000*24*time.Hour:
		return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
	}
	return strconv.Itoa(int(d.Hours())/24) + "d"
}

// age is took for how long ago something was: whole seconds.
func age(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.Itoa(max(0, int(d.Seconds()))) + "s"
	}
	return took(d)
}

// number shows 10412 as 10,412.
func number(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
