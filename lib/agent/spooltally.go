package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"github.com/cdktr/cdktr/lib/wire"
)

// tally counts lines of each stream, by its number in streamNumbers. The lines
// of one stream in it follow one another.
type tally [len(streamNumbers)]count

type count struct {
	last  int64 // the number of the last line
	lines int64
	bytes int64 // of their texts
	time  int64 // of the last line
}

func tallyOf(stream string, first int64, lines []wire.Line) (t tally) {
	c := &t[streamNumber(stream)]
	for i := range lines {
		c.bytes += int64(len(lines[i].Text) + len(lines[i].Bytes))
	}
	c.lines = int64(len(lines))
	c.last, c.time = first+c.lines-1, lines[len(lines)-1].Time
	return t
}

// add adds lines that come later.
func (t *tally) add(more tally) {
	for i, m := range more {
		if m.lines == 0 {
			continue
		}
		t[i] = count{last: m.last, lines: t[i].lines + m.lines, bytes: t[i].bytes + m.bytes, time: m.time}
	}
}

func (t *tally) none() bool { return *t == tally{} }

// newest is the time of the last line of all.
func (t *tally) newest() (time int64) {
	for _, c := range t {
		time = max(time, c.time)
	}
	return time
}

// String says it for people.
func (t *tally) String() (text string) {
	for i, c := range t {
		if c.lines == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d lines (%d bytes) of %s", c.lines, c.bytes, streamNumbers[i])
	}
	return text
}

// Each file begins with a slot of slotSize bytes for the tally of the lines that
// were given up behind the file's last one. It is written in place, for which a
// full disk has room. In front of the counts is their CRC-32C; a slot that was
// never written is zero.
const slotSize = 128

var errSlot = errors.New("the counts of missing lines cannot be read")

func (t *tally) slot() []byte {
	b := make([]byte, 4, slotSize)
	for _, c := range t[1:] {
		for _, n := range []int64{c.last, c.lines, c.bytes, c.time} {
			b = binary.LittleEndian.AppendUint64(b, uint64(n))
		}
	}
	b = b[:slotSize]
	if !t.none() {
		binary.LittleEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	}
	return b
}

func readSlot(b []byte) (t tally, err error) {
	zero := true
	for _, x := range b[:slotSize] {
		zero = zero && x == 0
	}
	if zero {
		return tally{}, nil
	}
	if binary.LittleEndian.Uint32(b) != crc32.Checksum(b[4:slotSize], castagnoli) {
		return tally{}, errSlot
	}
	b = b[4:]
	for i := range t[1:] {
		for _, n := range []*int64{&t[i+1].last, &t[i+1].lines, &t[i+1].bytes, &t[i+1].time} {
			*n = int64(binary.LittleEndian.Uint64(b))
			b = b[8:]
		}
		if c := t[i+1]; c.lines < 0 || c.last < c.lines || c.bytes < 0 {
			return tally{}, errSlot
		}
	}
	return t, nil
}

// tell puts on disk what is missing behind a segment. The tally in memory holds
// in any case.
func (g *segment) tell(missing tally) error {
	g.missing = missing
	if g.memory != nil {
		return nil
	}
	file := g.file
	if !g.own {
		var err error
		if file, err = os.OpenFile(g.path, os.O_WRONLY, 0); err != nil {
			return err
		}
		defer file.Close()
	}
	_, err := file.WriteAt(missing.slot(), 0)
	return err
}

// told reads what is missing behind a segment of an earlier incarnation.
func (g *segment) told() (tally, error) {
	file, err := os.Open(g.path)
	if err != nil {
		return tally{}, err
	}
	defer file.Close()
	b := make([]byte, slotSize)
	if _, err := file.ReadAt(b, 0); err != nil {
		return tally{}, err
	}
	return readSlot(b)
}

// count returns how many lines a segment has. One of an earlier incarnation is
// read for that, as far as it can be.
func (g *segment) count() tally {
	if g.own || g.memory != nil || g.counted {
		return g.has
	}
	b, _ := g.read(g.base, int(g.size))
	for {
		e, size, err := readRecord(b)
		if err != nil {
			break
		}
		if e.stream != "" {
			var t tally
			t[streamNumber(e.stream)] = count{last: e.last(), lines: e.lines, bytes: e.bytes, time: e.time}
			g.has.add(t)
		}
		b = b[size:]
	}
	g.counted = true
	return g.has
}
