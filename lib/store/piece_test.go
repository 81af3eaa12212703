package store

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/run"
	"github.com/cdktr/cdktr/lib/wire"
)

func TestPiecesPutTogetherAreTheWhole(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("x", pieceBytes), strings.Repeat("x", pieceBytes+1), strings.Repeat("ü", 10_000), "x" + strings.Repeat("€", 10_000),
		"xy" + strings.Repeat("😀", 10_000), strings.Repeat("\x00", 3*pieceBytes),
	} {
		var whole strings.Builder
		for rest := text; rest != ""; {
			var first string
			first, rest = piece(rest)
			if len(first) > pieceBytes || strings.ToValidUTF8(first, "?") != first {
				t.Fatalf("a piece of %d bytes, or not whole characters", len(first))
			}
			whole.WriteString(first)
		}
		if whole.String() != text {
			t.Errorf("%.10q came back different", text)
		}
		first, rest := cut([]byte(text), false)
		if !bytes.Equal(append(bytes.Clone(first), rest...), []byte(text)) {
			t.Errorf("%.10q came back different as bytes", text)
		}
	}
}

func TestLongTextsComeBackWhole(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	o := options(dir)
	o.MemoryLimit = "64MiB"
	s := open(t, o)
	d := definition("etl.daily", "extract")
	d.Description = strings.Repeat("dé", 300_000)
	want := []run.Event{created("r1", d, epoch), leased("r1", d.ID, "extract", 1, epoch), ended("r1", d.ID, "extract", 1, 1, epoch)}
	want[0].Created.Params = map[string]string{"p": strings.Repeat("p€", 300_000)}
	want[0].Created.Key = strings.Repeat("k", 10_000)
	want[2].Reason = strings.Repeat("r", 20_000)
	want[2].Ended.Lines = map[string]int64{strings.Repeat("s", 9_000): 4}
	must(t, s.Append(ctx, want))
	var params int
	must(t, s.db.QueryRow("SELECT strlen(params) FROM app.runs WHERE run = 'r1'").Scan(&params))
	if params != len(want[0].Created.Params["p"])+len(`{"p":""}`) {
		t.Errorf("the view has %d bytes of params", params)
	}
	// Enough of them that a checkpoint could not hold them whole.
	for n := range 80 {
		e := created(fmt.Sprint("more", n), d, epoch)
		e.Created.Params = map[string]string{"p": strings.Repeat(fmt.Sprint(n%10), 1<<20)}
		must(t, s.Append(ctx, []run.Event{e, changed(e.Run, d.ID, run.Completed, epoch)}))
	}
	must(t, s.Close())
	s = open(t, o)

	if got := replayed(t, s); !reflect.DeepEqual(got, want) {
		t.Error("the events came back different")
	}
	must(t, s.Keys(ctx, epoch, 10, func(k run.Key) error {
		if k.Key != want[0].Created.Key || !reflect.DeepEqual(k.Params, want[0].Created.Params) {
			t.Error("the key came back different")
		}
		return nil
	}))
	r, err := s.GetRun(ctx, "r1")
	must(t, err)
	if !reflect.DeepEqual(map[string]string(r.Params), want[0].Created.Params) || *r.Tasks[0].Reason != want[2].Reason {
		t.Error("the run came back different")
	}
	events, err := s.ListEvents(ctx, wire.EventsQuery{Filter: wire.Filter{Run: "r1"}})
	must(t, err)
	if *events.Events[2].Reason != want[2].Reason {
		t.Error("the status change came back different")
	}
	if ids, pages := everyRun(t, s, wire.RunList{}); len(ids) != 81 || pages != 81 {
		t.Errorf("%d runs on %d pages", len(ids), pages)
	}
	long, binary := strings.Repeat("lä", 100_000), bytes.Repeat([]byte("\xff\x00b"), 100_000)
	b := batch("r1", 1, epoch, long)
	b.Lines = append(b.Lines, wire.Line{Bytes: binary})
	must(t, s.AppendLines(ctx, []wire.LogBatch{b}))
	var message string
	var raw []byte
	at := s.days.attached[s.days.dates[0]].alias
	must(t, s.db.QueryRow("SELECT message FROM "+at+".logs WHERE seq = 1").Scan(&message))
	must(t, s.db.QueryRow("SELECT bytes FROM "+at+".logs WHERE seq = 2").Scan(&raw))
	if message != long || !bytes.Equal(raw, binary) {
		t.Error("the view's lines are different")
	}
}
