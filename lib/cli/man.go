package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// man writes the manual page: go-flags knows the options, the page of help has
// the examples and the rest.
func (p *parsing) man(w io.Writer) error {
	before, sections := splitUsage(p.top.Usage)
	p.parser.LongDescription = before
	p.parser.Usage = "[options]"
	var b bytes.Buffer
	p.parser.WriteManPage(&b)
	for _, s := range sections {
		if strings.HasPrefix(s.title, "Usage") || strings.HasSuffix(s.title, "ptions") {
			continue
		}
		fmt.Fprintf(&b, ".SH %s\n.nf\n", strings.ToUpper(s.title))
		for _, line := range s.lines {
			line = strings.ReplaceAll(line, `\`, `\e`)
			if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
				line = `\&` + line
			}
			fmt.Fprintln(&b, line)
		}
		fmt.Fprintln(&b, ".fi")
	}
	_, err := w.Write(b.Bytes())
	return err
}

type section struct {
	title string
	lines []string
}

// splitUsage cuts a page of help at its headings: lines that begin at the
// margin and end with a colon.
func splitUsage(page string) (before string, sections []section) {
	var text []string
	for _, line := range strings.Split(strings.TrimRight(page, "\n"), "\n") {
		switch {
		case strings.HasSuffix(line, ":") && !strings.HasPrefix(line, " "):
			sections = append(sections, section{title: strings.TrimSuffix(line, ":")})
		case len(sections) > 0:
			s := &sections[len(sections)-1]
			s.lines = append(s.lines, line)
		default:
			text = append(text, line)
		}
	}
	return strings.TrimSpace(strings.Join(text, "\n")), sections
}
