package principal

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// The workflows that have a schedule.
func scheduledSite(t *testing.T) *site {
	t.Helper()
	data := t.TempDir()
	put(t, filepath.Join(data, "workflows"), "tick.yml", "cron: '0 3 * * *'\ntimezone: Europe/London\nstart_time: 2090-07-01T00:00:00Z\ncatchup: all\ncatchup_window: 2h\ntasks: {a: {run: x}}\n")
	put(t, filepath.Join(data, "workflows"), "tock.yml", "cron: '0 3 * * *'\noverlap: skip\ntasks: {a: {run: x}}\n")
	put(t, filepath.Join(data, "workflows"), "hello.yml", workflows["hello.yml"])
	put(t, filepath.Join(data, "workflows"), "broken.yml", workflows["broken.yml"])
	return openSite(t, data, &memory{})
}

func (s *site) schedules() map[string]wire.Schedule {
	s.t.Helper()
	found := map[string]wire.Schedule{}
	for _, v := range ask[wire.Schedules](s.t, s.admin, wire.OpScheduleList, &wire.ScheduleList{}).Schedules {
		found[v.Workflow] = v
	}
	return found
}

func (s *site) listed(id string) wire.Workflow {
	s.t.Helper()
	for _, w := range ask[wire.Workflows](s.t, s.admin, wire.OpWorkflowList, &wire.WorkflowList{}).Workflows {
		if w.Workflow == id {
			return w
		}
	}
	s.t.Fatalf("%s is not listed", id)
	return wire.Workflow{}
}

func slotItem(workflow string, at time.Time) wire.TriggerItem {
	slot := wire.At(at)
	return wire.TriggerItem{Workflow: workflow, Source: "cron", Key: "cron:" + slot.String(), Scheduled: &slot, Schedule: "daily"}
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func TestSchedulerSeesAllThatItGoesBy(t *testing.T) {
	s := scheduledSite(t)
	got := s.schedules()
	if len(got) != 2 {
		t.Fatalf("schedules %+v", got)
	}
	if v := got["tick"]; v.Cron != "0 3 * * *" || v.Timezone != "Europe/London" || v.Catchup != "all" || v.CatchupWindow != "2h0m0s" || v.Decided != nil || v.Paused || v.StartTime.Year() != 2090 {
		t.Errorf("tick is %+v", v)
	}
	if v := got["tock"]; v.Catchup != "none" || v.CatchupWindow != "24h0m0s" || v.StartTime != nil || v.Timezone != "" {
		t.Errorf("tock is %+v", v)
	}
	if next := s.listed("tick").Next; next == nil || next.String() != "2090-07-01T02:00:00.000Z" {
		t.Errorf("tick is next due %v, want 3:00 in London, not before its start", next)
	}
}

// A slot is decided by its run, by a skip, by a word of the scheduler: the newest
// counts, and comes back after a restart.
func TestSlotsAreDecidedOnceAndForGood(t *testing.T) {
	s := scheduledSite(t)
	decided := func() string {
		t.Helper()
		if d := s.schedules()["tock"].Decided; d != nil {
			return d.Schedule + " " + d.Time.String()
		}
		return ""
	}
	stream := s.subscribe()
	items := []wire.TriggerItem{slotItem("tock", noon), slotItem("tock", noon.Add(time.Hour)), {Workflow: "tock"}, {Workflow: "hello"}}
	got := ask[wire.Triggered](t, s.admin, wire.OpRunTrigger, &wire.Trigger{Batch: items}).Batch
	if got[0].Run == "" || got[1].Run != "" || got[1].Error != nil || !strings.Contains(got[1].Skipped, got[0].Run) {
		t.Errorf("two slots: %+v", got[:2])
	}
	if e := got[2].Error; e == nil || e.Code != wire.Unavailable || !e.Skipped || got[2].Skipped != "" {
		t.Errorf("a trigger that is no slot: %+v", got[2])
	}
	if got[3].Run == "" {
		t.Errorf("another workflow: %+v", got[3])
	}
	_, err := try[wire.Triggered](s.admin, wire.OpRunTrigger, &wire.Trigger{TriggerItem: wire.TriggerItem{Workflow: "tock"}})
	wantRefusal(t, err, wire.Unavailable, got[0].Run)
	if e, ok := err.(*wire.Error); !ok || !e.Skipped {
		t.Errorf("a refusal that does not say why to give up: %+v", err)
	}
	if m := stream.next("event/tock//"); m.Event.Status != "SKIPPED" || m.Event.Run != "" || m.Event.Task != nil || m.Before.Workflow != 1 {
		t.Errorf("the live stream says %+v", m)
	}
	if at := decided(); at != "daily 2026-01-02T13:00:00.000Z" {
		t.Errorf("decided %q", at)
	}
	decide := func(items ...wire.Decision) {
		t.Helper()
		ask[wire.Nothing](t, s.admin, wire.OpScheduleDecide, &wire.ScheduleDecide{Batch: items})
	}
	commits := len(s.store.commits())
	decide(wire.Decision{Workflow: "tock", Slot: wire.Slot{Schedule: "daily", Time: wire.At(noon.Add(2 * time.Hour))}, Reason: "missed"},
		wire.Decision{Workflow: "tick", Slot: wire.Slot{Schedule: "new", Time: wire.At(noon)}},
		wire.Decision{Workflow: "gone", Slot: wire.Slot{Schedule: "new", Time: wire.At(noon)}})
	if c := s.store.commits(); len(c) != commits+1 || len(c[commits]) != 2 {
		t.Errorf("the decisions are in the commits %v", c[commits:])
	}
	if at := decided(); at != "daily 2026-01-02T14:00:00.000Z" {
		t.Errorf("decided %q", at)
	}
	before := s.schedules()
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	s = openSite(t, s.data, s.store)
	if after := s.schedules(); *after["tock"].Decided != *before["tock"].Decided || *after["tick"].Decided != *before["tick"].Decided {
		t.Errorf("before the restart %+v, after it %+v", before, after)
	}
	late := ask[wire.Triggered](t, s.admin, wire.OpRunTrigger, &wire.Trigger{TriggerItem: slotItem("tock", noon.Add(time.Hour))})
	if late.Run != "" || late.Skipped == "" {
		t.Errorf("a slot that was decided before the restart: %+v", late)
	}
}

func TestDecisionsThatSayNothingAreRefused(t *testing.T) {
	s := scheduledSite(t)
	good := wire.Decision{Workflow: "tick", Slot: wire.Slot{Schedule: "x", Time: wire.At(noon)}}
	for says, change := range map[string]func(*wire.Decision){
		"batch[1]: workflow is missing": func(d *wire.Decision) { d.Workflow = "" },
		"batch[1]: a slot has both":     func(d *wire.Decision) { d.Schedule = "" },
		"batch[1]: a slot has":          func(d *wire.Decision) { d.Time = wire.Time{} },
		"batch[1]: the reason has":      func(d *wire.Decision) { d.Reason = strings.Repeat("x", maxReason+1) },
		"batch[1]: the schedule has":    func(d *wire.Decision) { d.Schedule = strings.Repeat("x", maxSchedule+1) },
	} {
		bad := good
		change(&bad)
		_, err := try[wire.Nothing](s.admin, wire.OpScheduleDecide, &wire.ScheduleDecide{Batch: []wire.Decision{good, bad}})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
	_, err := try[wire.Nothing](s.admin, wire.OpScheduleDecide, &wire.ScheduleDecide{Batch: make([]wire.Decision, maxTriggers+1)})
	wantRefusal(t, err, wire.TooLarge, "10001")
	if c := s.store.commits(); len(c) != 0 {
		t.Errorf("%d commits", len(c))
	}
}

func TestPauseIsDurableBeforeItIsAnswered(t *testing.T) {
	s := scheduledSite(t)
	told := s.p.schedules.subscribe()
	arrived, release := s.store.eventGate.hold(t)
	pause := later[wire.Nothing](s.admin, wire.OpWorkflowPause, &wire.WorkflowRef{Workflow: "tock"})
	<-arrived
	if s.listed("tock").Paused {
		t.Error("it counts as paused before it is durable")
	}
	select {
	case <-pause.done:
		t.Error("it is answered before it is durable")
	default:
	}
	release()
	pause.get(t)
	<-told
	if w := s.listed("tock"); !w.Paused || w.Next != nil || !s.schedules()["tock"].Paused {
		t.Errorf("a paused workflow is %+v", w)
	}
	ask[wire.Nothing](t, s.admin, wire.OpWorkflowPause, &wire.WorkflowRef{Workflow: "tock"})
	if c := s.store.commits(); len(c) != 1 {
		t.Errorf("%d commits for the same wish twice", len(c))
	}
	if got := ask[wire.Triggered](t, s.admin, wire.OpRunTrigger, &wire.Trigger{TriggerItem: slotItem("tock", noon)}); got.Run != "" || !strings.Contains(got.Skipped, "paused") {
		t.Errorf("a slot of a paused workflow: %+v", got)
	}
	if got := s.trigger("tock", ""); got.Run == "" {
		t.Error("a paused workflow cannot be started by hand")
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	s = openSite(t, s.data, s.store)
	if !s.listed("tock").Paused {
		t.Error("the pause did not survive the restart")
	}
	ask[wire.Nothing](t, s.admin, wire.OpWorkflowResume, &wire.WorkflowRef{Workflow: "tock"})
	if w := s.listed("tock"); w.Paused || w.Next == nil {
		t.Errorf("resumed it is %+v", w)
	}
	if d := s.schedules()["tock"].Decided; d == nil || d.Time.Before(noon) {
		t.Errorf("resuming has decided up to %v", d)
	}
	ask[wire.Nothing](t, s.admin, wire.OpWorkflowPause, &wire.WorkflowRef{Workflow: "broken"})
	if !s.listed("broken").Paused {
		t.Error("a file that does not load cannot be paused")
	}
	for _, op := range []wire.Op{wire.OpWorkflowPause, wire.OpWorkflowResume} {
		_, err := try[wire.Nothing](s.admin, op, &wire.WorkflowRef{Workflow: "tuck"})
		wantRefusal(t, err, wire.NotFound, `did you mean`)
	}
}

func local(t *testing.T, s *site, id string, op wire.Op, req interface{ SetHeader(wire.Header) }, out any) error {
	t.Helper()
	req.SetHeader(wire.Header{V: wire.Version, ID: id, Op: op})
	body, err := wire.EncodeRequest(req)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := s.p.Local(t.Context(), body)
	if err != nil {
		return err
	}
	return wire.DecodeReply(reply, id, out)
}

// What runs in the principal asks as everybody asks: the same checks, the same
// commit, the same words.
func TestRequestFromWithinGoesTheSameWay(t *testing.T) {
	s := scheduledSite(t)
	var got wire.Triggered
	if err := local(t, s, "1", wire.OpRunTrigger, item("hello", "k"), &got); err != nil || got.Run == "" {
		t.Fatalf("%+v, %v", got, err)
	}
	if again := s.trigger("hello", "k"); again.Run != got.Run || !again.Existing {
		t.Errorf("over the socket: %+v", again)
	}
	wantRefusal(t, local(t, s, "2", wire.OpRunTrigger, item("helo", ""), nil), wire.NotFound, `did you mean "hello"?`)
	wantRefusal(t, local(t, s, "3", "run.explode", item("hello", ""), nil), wire.UnknownOp)
	reply, err := s.p.Local(t.Context(), []byte(`{"v":1,"id":"4","op":"ping","x":1}`))
	if err != nil {
		t.Fatal(err)
	}
	wantRefusal(t, wire.DecodeReply(reply, "4", nil), wire.BadRequest, `"x"`)

	var run wire.Run // from the history, beside the loop
	if err := local(t, s, "5", wire.OpRunGet, &wire.RunRef{Run: got.Run}, &run); err != nil || run.Workflow != "hello" {
		t.Errorf("%+v, %v", run, err)
	}
}

// Nobody hangs on a principal that stops, and no run starts then.
func TestRequestFromWithinIsRefusedWhileThePrincipalStops(t *testing.T) {
	s := scheduledSite(t)
	var answers []*answer[wire.RunWaited]
	id := s.trigger("hello", "").Run
	for range 20 {
		a := &answer[wire.RunWaited]{done: make(chan struct{})}
		answers = append(answers, a)
		go func() {
			defer close(a.done)
			a.err = local(t, s, "w", wire.OpRunWait, &wire.RunWait{Run: id}, &a.value)
		}()
	}
	harness.Eventually(t, "all wait", func() bool {
		n := 0
		s.inLoop(func(l *loop) { n = len(l.waiting[id]) })
		return n == len(answers)
	})
	s.p.StartNoMore()
	wantRefusal(t, local(t, s, "1", wire.OpRunTrigger, item("hello", ""), nil), wire.Unavailable, "stopping")
	wantRefusal(t, local(t, s, "1", wire.OpScheduleDecide, &wire.ScheduleDecide{}, nil), wire.Unavailable, "stopping")
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		if got := a.get(t); got.Ended || got.Run != id {
			t.Errorf("who waited heard %+v", got)
		}
	}
	wantRefusal(t, local(t, s, "1", wire.OpWorkflowPause, &wire.WorkflowRef{Workflow: "hello"}, nil), wire.Unavailable, "stopping")
}
