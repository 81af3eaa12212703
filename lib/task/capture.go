package task

import (
	"errors"
	"os"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/cdktr/cdktr/lib/wire"
)

const chunkSize = 64 << 10 // what a pipe holds

// capture reads one pipe to its end and hands the lines to the sink, one call
// a chunk. It ends early when supervise sets a deadline, and then still takes
// what is in the pipe.
func (p *Process) capture(r *os.File, stream string) {
	var (
		masked = masker{mask: p.mask}
		split  splitter
		lines  []wire.Line
		stamp  int64
		buf    = make([]byte, chunkSize)
	)
	emit := func(text string, part int) { lines = append(lines, newLine(stamp, text, part)) }
	deliver := func() {
		if len(lines) > 0 {
			p.o.Sink(stream, lines)
			lines = make([]wire.Line, 0, len(lines))
		}
	}
	feed := func(chunk []byte) {
		stamp = p.o.Clock.Stamp()
		split.feed(string(masked.feed(chunk)), emit)
		deliver()
	}
	for {
		n, err := r.Read(buf)
		feed(buf[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			drain(r, buf, feed)
			break
		}
		if err != nil {
			break
		}
	}
	stamp = p.o.Clock.Stamp()
	split.feed(string(masked.flush()), emit)
	split.flush(emit)
	deliver()
}

// drain reads what is in the pipe now, and not what is written later: a
// stranger who holds the other end cannot keep it going.
func drain(r *os.File, buf []byte, feed func([]byte)) {
	conn, err := r.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		left, err := buffered(int(fd))
		for err == nil && left > 0 {
			var n int
			n, err = unix.Read(int(fd), buf[:min(left, len(buf))])
			if n <= 0 {
				return
			}
			feed(buf[:n])
			left -= n
		}
	})
}

// largeJSON is what a line may take in a message: less than wire.MaxMessage.
const largeJSON = 3 << 20

// newLine makes a record of a line. A text that JSON's escapes would blow up
// beyond a message travels as bytes, as one that is not UTF-8 does.
func newLine(stamp int64, text string, part int) wire.Line {
	line := wire.Line{Time: stamp, Part: part}
	if utf8.ValidString(text) && (len(text) <= largeJSON/6 || escaped(text) <= largeJSON) {
		line.Text = text
	} else {
		line.Bytes = []byte(text)
	}
	return line
}

// escaped is the most that a text can take in JSON.
func escaped(text string) int {
	size := len(text)
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c == '<', c == '>', c == '&', c == 0x7f:
			size += 5
		case c == '"', c == '\\':
			size++
		case c == 0xe2: // U+2028 and U+2029 are escaped
			size += 3
		}
	}
	return size
}
