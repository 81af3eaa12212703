package wire

import (
	"strings"
	"testing"
	"time"
)

func lines(n int) *LogAppend {
	b := LogBatch{Workflow: "etl.daily", Run: "abcdefghijkl", Task: "extract", Attempt: 1, Stream: Stdout, First: 1}
	for i := range n {
		b.Lines = append(b.Lines, Line{Time: 1_767_323_045_678 + int64(i), Text: strings.Repeat("an ordinary line ", 4)})
	}
	return &LogAppend{Header: Header{V: 1, ID: "1", Op: OpLogsAppend}, Agent: "host", Batches: []LogBatch{b}}
}

func BenchmarkEncode10000Lines(b *testing.B) {
	r := lines(10_000)
	for b.Loop() {
		if _, err := EncodeRequest(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode10000Lines(b *testing.B) {
	body, err := EncodeRequest(lines(10_000))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		var r LogAppend
		if e := DecodeRequest(body, &r); e != nil {
			b.Fatal(e)
		}
	}
}

func BenchmarkDecodeHeader(b *testing.B) {
	body, _ := EncodeRequest(lines(10_000))
	for b.Loop() {
		DecodeHeader(body)
	}
}

func BenchmarkLogRecord(b *testing.B) {
	text := strings.Repeat("an ordinary line ", 4)
	r := LogRecord{Time: At(time.Now()), Workflow: "etl.daily", Run: "abcdefghijkl", Task: "extract", Attempt: 1, Agent: "host", Stream: Stdout, Seq: 1, Message: &text}
	var buf []byte
	for b.Loop() {
		buf = r.AppendJSON(buf[:0])
	}
}

func BenchmarkDecodeTrigger(b *testing.B) {
	body, _ := EncodeRequest(&Trigger{Header: Header{1, "1", OpRunTrigger}, TriggerItem: TriggerItem{Workflow: "hello", Params: Params{"a": "b"}}})
	for b.Loop() {
		var r Trigger
		if e := DecodeRequest(body, &r); e != nil {
			b.Fatal(e)
		}
	}
}
