package schedule

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones are the same on every machine, also on one that has none

	"github.com/cdktr/cdktr/lib/suggest"
)

// zoneNames are the names that Go's own zone data has, one a line.
//
//go:embed zones.txt
var zoneNames string

// CheckZone says what is wrong with the name of a time zone, if anything is.
func CheckZone(name string) error {
	_, err := new(Parser).zone(name)
	return err
}

func (p *Parser) zone(name string) (*time.Location, error) {
	if known := p.zones[name]; known != nil {
		return known, nil
	}
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q: name one, such as Europe/London", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %q%s", name, zoneHint(name))
	}
	if p.zones == nil {
		p.zones = map[string]*time.Location{}
	}
	p.zones[name] = zone
	return zone, nil
}

// zoneHint guesses what was meant: a name with a mistake, or a city alone.
func zoneHint(name string) string {
	names := strings.Fields(zoneNames)
	if hint := suggest.Hint(name, names); hint != "" {
		return hint
	}
	city := strings.ReplaceAll(name, " ", "_")
	for _, full := range names {
		if _, last, found := strings.Cut(full, "/"); found && strings.EqualFold(last, city) {
			return fmt.Sprintf(" (did you mean %q?)", full)
		}
	}
	return ""
}

// takeZone takes a zone from before the fields. The other one, which may be
// empty, comes from beside them.
func takeZone(words []string, beside string) (string, []string, error) {
	own := beside
	if len(words) > 0 {
		name, ok := strings.CutPrefix(words[0], "CRON_TZ=")
		if !ok {
			name, ok = strings.CutPrefix(words[0], "TZ=")
		}
		if ok {
			own, words = name, words[1:]
			if own == "" {
				return "", nil, errors.New(`time zone "": name one, such as Europe/London`)
			}
		}
	}
	switch {
	case own == "":
		own = "UTC"
	case beside != "" && own != beside:
		return "", nil, fmt.Errorf("it says the time zone is %q, and timezone says %q; leave one out", own, beside)
	}
	return own, words, nil
}
