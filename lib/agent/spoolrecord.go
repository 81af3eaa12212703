package agent

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"math"
	"slices"

	"github.com/cdktr/cdktr/lib/wire"
)

// A spool's file is a slot (see tally) and a series of records. The first is its heading: whose lines
// these are, as JSON. Each of the others holds consecutive lines of one stream,
// encoded as a batch has them between its brackets. In front of the payload,
// little-endian:
//
//	bytes 0-3    length of the payload
//	bytes 4-7    CRC-32C of all that follows, the payload included
//	bytes 8-15   sequence number of the first line
//	bytes 16-23  when that line came, in milliseconds since 1970
//	bytes 24-27  number of lines
//	bytes 28-31  size of their texts in bytes
//	byte  32     the stream, as streamNumbers has it; 0 in a heading
//	bytes 33-35  zero
const recordHead = 36

// spoolFormat is the version of all this. A file of another one is put aside.
const spoolFormat = 2

// The sizes of a record's payload: about the largest where lines can be parted,
// and what no record has. One line has at most 3 MiB of JSON.
const (
	fullRecord = 256 << 10
	mostRecord = 64 << 20
)

var streamNumbers = [...]string{1: wire.Stdout, 2: wire.Stderr, 3: wire.System}

func streamNumber(name string) byte { return byte(slices.Index(streamNumbers[:], name)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// heading is the payload of a file's first record.
type heading struct {
	Format   int    `json:"format"`
	Workflow string `json:"workflow"`
	wire.Attempt
	Number int `json:"number"` // of the file among those of the attempt
}

// entry is one record as read. The payload shares memory with what it was
// read from.
type entry struct {
	stream  string // empty: a heading
	first   int64
	lines   int64
	bytes   int64
	time    int64
	payload []byte
}

func (e *entry) last() int64 { return e.first + e.lines - 1 }

// errTorn tells that what is there is no record.
var errTorn = errors.New("not a whole record")

// errShort tells that a record begins here and has more bytes than there are.
var errShort = errors.New("a record goes on")

// readRecord reads the record at the beginning of b, and returns how long it
// is. With errShort that is how much of it must be there at least.
func readRecord(b []byte) (e entry, size int, err error) {
	if len(b) < recordHead {
		return entry{}, recordHead, errShort
	}
	length := binary.LittleEndian.Uint32(b)
	number := int(b[32])
	if length > mostRecord || number >= len(streamNumbers) {
		return entry{}, 0, errTorn
	}
	size = recordHead + int(length)
	if len(b) < size {
		return entry{}, size, errShort
	}
	first, lines := binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint32(b[24:])
	switch {
	case crc32.Checksum(b[8:size], castagnoli) != binary.LittleEndian.Uint32(b[4:]),
		number > 0 && (lines == 0 || first == 0 || first > math.MaxInt64/2):
		return entry{}, 0, errTorn
	}
	return entry{
		stream: streamNumbers[number], first: int64(first), lines: int64(lines),
		bytes:   int64(binary.LittleEndian.Uint32(b[28:])),
		time:    int64(binary.LittleEndian.Uint64(b[16:])),
		payload: b[recordHead:size],
	}, size, nil
}

// seal writes the head of the record that begins at start and ends with b.
func seal(b []byte, start int, number byte, first, time int64, lines, bytes int) {
	head := b[start:]
	clear(head[:recordHead])
	binary.LittleEndian.PutUint32(head, uint32(len(head)-recordHead))
	binary.LittleEndian.PutUint64(head[8:], uint64(first))
	binary.LittleEndian.PutUint64(head[16:], uint64(time))
	binary.LittleEndian.PutUint32(head[24:], uint32(lines))
	binary.LittleEndian.PutUint32(head[28:], uint32(bytes))
	head[32] = number
	binary.LittleEndian.PutUint32(head[4:], crc32.Checksum(head[8:], castagnoli))
}

// appendHeading writes the first record of a file.
func appendHeading(b []byte, h heading) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return b, err
	}
	start := len(b)
	b = append(b, make([]byte, recordHead)...)
	b = append(b, text...)
	seal(b, start, 0, 0, 0, 0, 0)
	return b, nil
}

// appendRecords writes lines, the first of which has the number first, as
// records that each fit into a message.
func appendRecords(b []byte, stream string, first int64, lines []wire.Line) []byte {
	number := streamNumber(stream)
	var room [recordHead]byte
	for len(lines) > 0 {
		start, bytes, n := len(b), 0, 0
		b = append(b, room[:]...)
		for n < len(lines) {
			size := len(lines[n].Text) + len(lines[n].Bytes)
			if n > 0 {
				if len(b)-start+size > fullRecord {
					break
				}
				b = append(b, ',')
			}
			b = wire.AppendLines(b, lines[n:n+1])
			bytes += size
			n++
		}
		seal(b, start, number, first, lines[0].Time, n, bytes)
		first += int64(n)
		lines = lines[n:]
	}
	return b
}
