// Package schedule says when a cron specification is next due. It is a
// function of the specification and an instant: it knows no clock, no workflow
// and no run.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule is a parsed specification in a time zone. It is immutable. The zero
// Schedule is never due.
type Schedule struct {
	due  fields
	zone *time.Location
	text string
}

// maxSpec bounds a specification; a list of all 60 seconds has 169 characters.
const maxSpec = 1024

// Parse reads five fields (minute, hour, day of month, month, day of week), six
// (a second before them) or a descriptor such as @daily, each of them after an
// optional CRON_TZ=zone or TZ=zone. Without a zone it is UTC. Days of the week
// are names or 0 to 7, where 0 and 7 are Sunday.
func Parse(spec string) (Schedule, error) { return ParseIn(spec, "") }

// ParseIn is Parse in the zone of that name. An empty one leaves it to the
// specification, which must not name another.
func ParseIn(spec, zone string) (Schedule, error) { return new(Parser).Parse(spec, zone) }

// Parser parses many specifications, and keeps each zone once. The zero Parser
// is ready.
type Parser struct{ zones map[string]*time.Location }

// Parse does what ParseIn does.
func (p *Parser) Parse(spec, zone string) (Schedule, error) {
	if len(spec) > maxSpec {
		return Schedule{}, fmt.Errorf("longer than %d bytes", maxSpec)
	}
	words := strings.Fields(spec)
	name, words, err := takeZone(words, zone)
	if err != nil {
		return Schedule{}, err
	}
	location, err := p.zone(name)
	if err != nil {
		return Schedule{}, err
	}
	text, err := sixFields(words)
	if err != nil {
		return Schedule{}, err
	}
	for i, field := range text {
		for part := range strings.SplitSeq(field, ",") {
			if part == "" {
				return Schedule{}, fieldError(i, field, "a part of the list is empty")
			}
		}
	}
	if text[5], err = normalizeWeekdays(text[5]); err != nil {
		return Schedule{}, fieldError(5, words[len(words)-1], err.Error())
	}
	parsed, err := parseFields(text)
	if err != nil {
		return Schedule{}, explain(text, err)
	}
	s := Schedule{due: newFields(parsed, text[2]), zone: location}
	s.text = "CRON_TZ=" + name + " " + strings.Join(text[:], " ")
	// 2000 is a leap year: what is not due within the horizon never is.
	if _, ever := s.due.from(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()); !ever {
		return Schedule{}, errors.New("no such day ever comes")
	}
	return s, nil
}

// String writes the schedule in one way, however it was written: two with the
// same text have the same slots.
func (s Schedule) String() string { return s.text }

// sixFields brings every form to fields with seconds first.
func sixFields(words []string) (fields [6]string, err error) {
	if len(words) == 0 {
		return fields, errors.New("it is empty")
	}
	if strings.HasPrefix(words[0], "@") {
		return descriptor(words)
	}
	switch len(words) {
	case 5:
		fields[0] = "0"
		copy(fields[1:], words)
	case 6:
		copy(fields[:], words)
	default:
		return fields, fmt.Errorf("five fields are wanted, or six with seconds first, not %d", len(words))
	}
	return fields, nil
}

func descriptor(words []string) (fields [6]string, err error) {
	if words[0] == "@every" {
		return fields, errors.New("@every has no fixed instants, so that a missed one cannot be told from one that is not due; use fields, such as \"*/5 * * * *\"")
	}
	if len(words) > 1 {
		return fields, fmt.Errorf("nothing may follow %s", words[0])
	}
	switch strings.ToLower(words[0]) {
	case "@yearly", "@annually":
		return [6]string{"0", "0", "0", "1", "1", "*"}, nil
	case "@monthly":
		return [6]string{"0", "0", "0", "1", "*", "*"}, nil
	case "@weekly":
		return [6]string{"0", "0", "0", "*", "*", "0"}, nil
	case "@daily", "@midnight":
		return [6]string{"0", "0", "0", "*", "*", "*"}, nil
	case "@hourly":
		return [6]string{"0", "0", "*", "*", "*", "*"}, nil
	}
	return fields, fmt.Errorf("unknown descriptor %q; there are @yearly, @monthly, @weekly, @daily and @hourly", words[0])
}

func parseFields(fields [6]string) (*cron.SpecSchedule, error) {
	parser := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := parser.Parse(strings.Join(fields[:], " "))
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("it has no fields")
	}
	return spec, nil
}

// explain finds the field that the parser refused: it says what is wrong, not
// where.
func explain(fields [6]string, err error) error {
	for i, field := range fields {
		alone := [6]string{"*", "*", "*", "*", "*", "*"}
		alone[i] = field
		if _, err := parseFields(alone); err != nil {
			reason := err.Error()
			if strings.HasPrefix(reason, "failed to parse int") {
				reason = "not a number"
			}
			return fieldError(i, field, strings.TrimSuffix(reason, ": "+field))
		}
	}
	return err
}

func fieldError(i int, field, reason string) error {
	names := [6]string{"second", "minute", "hour", "day of month", "month", "day of week"}
	return fmt.Errorf("%s %q: %s", names[i], field, reason)
}
