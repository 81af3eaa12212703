package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// normalizeWeekdays writes Sunday as 0 everywhere, because the parser knows no
// 7: 5-7 becomes 5,6,0. Parts without a 7 stay as they are.
func normalizeWeekdays(field string) (string, error) {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		days, err := sundayLast(part)
		if err != nil {
			return "", err
		}
		if days != nil {
			parts[i] = strings.Join(days, ",")
		}
	}
	return strings.Join(parts, ","), nil
}

// sundayLast spells out a part that has 7, or a range that ends on a Sunday by
// name. It returns nil where the part needs no change.
func sundayLast(part string) ([]string, error) {
	days, stepText, stepped := strings.Cut(part, "/")
	firstText, lastText, ranged := strings.Cut(days, "-")
	first, ok := weekday(firstText)
	if !ok {
		return nil, nil // a star, or a mistake that the parser will name
	}
	last := first
	if ranged {
		if last, ok = weekday(lastText); !ok {
			return nil, nil
		}
		if strings.EqualFold(lastText, "sun") && first > 0 {
			last = 7
		}
	}
	if first > 7 || last > 7 {
		return nil, errors.New("days of the week are 0 to 7")
	}
	if last != 7 {
		if first == 7 && ranged {
			return nil, fmt.Errorf("a range that begins with Sunday begins with 0: 0-%s", lastText)
		}
		return nil, nil
	}
	step := 1
	if stepped {
		var err error
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return nil, fmt.Errorf("step %q is not a positive number", stepText)
		}
	}
	var spelled []string
	for day := first; day <= 7; day += min(step, 8) {
		spelled = append(spelled, strconv.Itoa(day%7))
	}
	return spelled, nil
}

func weekday(s string) (int, bool) {
	names := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	if i := slices.Index(names, strings.ToLower(s)); i >= 0 {
		return i, true
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, false
	}
	return n, true
}
