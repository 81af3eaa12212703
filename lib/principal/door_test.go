package principal

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// mayDo is who may ask for what. It says the same as ops, in other words.
var mayDo = map[string]string{
	agent:  "ping agent.hello agent.pull agent.renew agent.report agent.leave agent.drain",
	viewer: "ping status workflow.list workflow.get schedule.list run.get run.list run.wait events.query logs.query agent.list",
	operator: "ping status workflow.list workflow.get schedule.list run.get run.list run.wait events.query logs.query agent.list run.trigger run.cancel run.retry " +
		"workflow.pause workflow.resume schedule.decide",
	admin: "ping status workflow.list workflow.get schedule.list workflow.pause workflow.resume schedule.decide run.get run.list run.wait events.query logs.query agent.list run.trigger run.cancel run.retry " +
		"agent.hello agent.pull agent.renew agent.report agent.leave agent.drain reload shutdown key.grant key.revoke key.list",
}

// Every op asked for with every role, with keys that were granted, and on every
// port. Who may ask gets as far as the mistake in the request.
func TestEachRoleMayDoWhatItIsFor(t *testing.T) {
	every := strings.Fields(mayDo[admin])
	if got := slices.Sorted(maps.Keys(ops())); len(got) != len(every) {
		t.Errorf("the door knows %d ops, this test %d: %v", len(got), len(every), got)
	}
	s := newSite(t)
	for _, role := range []string{admin, agent, operator, viewer} {
		pair := s.grant("a-"+role, role)
		api, logs := s.rawWith(s.p.api.Endpoint(), pair), s.rawWith(s.p.logs.Endpoint(), pair)
		expect := func(port string, peer *raw, op string, allowed bool) {
			t.Helper()
			want := wire.NotAllowed
			if allowed {
				want = wire.BadRequest
			}
			got := peer.ask(fmt.Sprintf(`{"v":1,"id":"x","op":%q,"mistake":1}`, op))
			if got.OK || got.Error.Code != want {
				t.Errorf("%s asks the %s port for %s: %+v, want %s", role, port, op, got.Error, want)
			}
			if want == wire.NotAllowed && !strings.Contains(got.Error.Message, fmt.Sprintf("key \"a-%s\" has the role %s, which may not %s", role, role, op)) {
				t.Errorf("%s is told %q", role, got.Error.Message)
			}
		}
		for _, op := range every {
			expect("API", api, op, slices.Contains(strings.Fields(mayDo[role]), op))
		}
		expect("log", logs, "logs.append", role == agent || role == admin)
		if got := logs.ask(`{"v":1,"id":"x","op":"ping"}`); got.OK != (role == agent || role == admin) {
			t.Errorf("%s asks the log port for ping: %+v", role, got)
		}
		if st := s.subscribeWith(pair); role != agent {
			st.next("mark")
		} else if m, open := <-st.in; open {
			t.Errorf("an agent hears %s", m.Topic)
		}
	}
	for name, role := range map[string]string{"admin": admin, "agent": agent} {
		if got := s.raw(s.p.api.Endpoint(), name).ask(`{"v":1,"id":"x","op":"shutdown","mistake":1}`); got.Error.Code == wire.NotAllowed != (role == agent) {
			t.Errorf("the key %s: %+v", name, got.Error)
		}
	}
}

func TestKeyThatNobodyGrantedGetsNothingOnAnyPort(t *testing.T) {
	s := newSite(t)
	for what, pair := range map[string]bus.Pair{"a stranger's": newPair(t), "the principal's own": s.ring.Principal()} {
		for _, endpoint := range []string{s.p.api.Endpoint(), s.p.logs.Endpoint()} {
			if !s.denied(endpoint, pair) {
				t.Errorf("%s key is let in at %s", what, endpoint)
			}
		}
		st := s.subscribeWith(pair)
		if m, open := <-st.in; open {
			t.Errorf("%s key hears %s", what, m.Topic)
		}
	}
	for _, key := range []string{newPair(t).Public, ""} { // past the handshake
		if refused := s.p.allow(&call{key: key, known: s.p.letIn}, []string{agent, operator, viewer}); refused == nil || refused.Code != wire.NotAllowed {
			t.Errorf("key %q: %v", key, refused)
		}
	}
}

func TestEveryMessageIsAnswered(t *testing.T) {
	s := newSite(t)
	r := s.raw(s.p.api.Endpoint(), "admin")
	for _, c := range []struct {
		body string
		id   string
		code wire.Code
		says string
	}{
		{``, "", wire.BadRequest, ""},
		{`hello`, "", wire.BadRequest, ""},
		{`[]`, "", wire.BadRequest, ""},
		{`{"v":1,"id":"7","op":"ping"`, "7", wire.BadRequest, ""},
		{"\xff\xfe", "", wire.BadRequest, "UTF-8"},
		{`{"id":"7","op":"ping"}`, "7", wire.BadVersion, ""},
		{`{"v":99,"id":"7","op":"ping"}`, "7", wire.BadVersion, "99"},
		{`{"v":1,"id":"7"}`, "7", wire.BadRequest, "op"},
		{`{"v":1,"id":7,"op":"ping"}`, "", wire.BadRequest, "id"},
		{`{"v":1,"id":"7","op":"run.explode"}`, "7", wire.UnknownOp, "run.explode"},
		{`{"v":1,"id":"7","op":"logs.append"}`, "7", wire.UnknownOp, "logs.append"},
		{`{"v":1,"id":"7","op":"ping","colour":"red"}`, "7", wire.BadRequest, "colour"},
		{`{"v":1,"id":"7","op":"run.get","run":1}`, "7", wire.BadRequest, "run"},
		{`{"v":1,"id":"7","op":"run.get","run":"x"} {}`, "7", wire.BadRequest, ""},
		{`{"v":1,"id":"7","op":"run.get","run":"x","run":"y"}`, "7", wire.BadRequest, "run"},
		{`{"v":1,"id":"7","op":"run.trigger","batch":[{"workflow":"hello","prams":{}}]}`, "7", wire.BadRequest, "batch[0].prams"},
		{`{"v":1,"id":"7","op":"workflow.get","workflow":"helo"}`, "7", wire.NotFound, "hello"},
	} {
		got := r.ask(c.body)
		if got.OK || got.ID != c.id || got.Error == nil || got.Error.Code != c.code || !strings.Contains(got.Error.Message, c.says) {
			t.Errorf("%s: %+v %+v, want %s with %q", c.body, got, got.Error, c.code, c.says)
		}
	}
	if got := r.ask(`{"v":1,"id":"7","op":"ping"}`); !got.OK || got.ID != "7" {
		t.Errorf("a good one after them: %+v", got)
	}
}

func TestOneSlowReloadKeepsNobodyElseWaiting(t *testing.T) {
	s := newSite(t)
	asks, slow := s.p.definitions.asks, make(chan struct{})
	defer close(slow)
	asks <- func(*Catalog) { <-slow }
	harness.Eventually(t, "the slow one is under way", func() bool { return len(asks) == 0 })
	for range cap(asks) {
		asks <- func(*Catalog) {}
	}
	_, err := try[wire.Reloaded](s.admin, wire.OpReload, &wire.Plain{})
	wantRefusal(t, err, wire.Unavailable)
	s.p.Reload() // as SIGHUP does
	if pong := ask[wire.Pong](t, s.admin, wire.OpPing, &wire.Plain{}); pong.Version != "test" {
		t.Errorf("%+v", pong)
	}
}

func TestReloadTakesChangedFiles(t *testing.T) {
	s := newSite(t)
	list := func() map[string]wire.Workflow {
		all := map[string]wire.Workflow{}
		for _, w := range ask[wire.Workflows](t, s.admin, wire.OpWorkflowList, &wire.WorkflowList{}).Workflows {
			all[w.Workflow] = w
		}
		return all
	}
	id := s.trigger("hello", "").Run
	before := list()
	if w := before["hello"]; len(before) != 4 || w.LastRun == nil || *w.LastRun != id || *w.LastStatus != "PENDING" {
		t.Errorf("listed %+v", before)
	}
	if w := before["broken"]; w.Name != nil || len(w.Errors) == 0 || w.Errors[0].File != "broken.yml" {
		t.Errorf("the broken one: %+v", w)
	}
	if st := ask[wire.PrincipalStatus](t, s.admin, wire.OpStatus, &wire.Plain{}); st.Broken != 1 || len(st.Errors) == 0 || st.Errors[0].File != "broken.yml" {
		t.Errorf("status: %+v", st)
	}
	put(t, filepath.Join(s.data, "workflows"), "broken.yml", "cron: '0 2 * * *'\ntasks: {a: {run: x}}\n")
	if got := ask[wire.Reloaded](t, s.admin, wire.OpReload, &wire.Plain{}); got.Loaded != 4 || got.Broken != 0 {
		t.Errorf("reloaded: %+v", got)
	}
	if w := list()["broken"]; w.Schedule == nil || w.Next == nil || len(w.Errors) != 0 {
		t.Errorf("repaired: %+v", w)
	}
	if st := ask[wire.PrincipalStatus](t, s.admin, wire.OpStatus, &wire.Plain{}); st.Workflows != 4 || st.OpenRuns != 1 || st.Ready != 1 || st.PID != os.Getpid() || len(st.Errors) != 0 {
		t.Errorf("status: %+v", st)
	}
}

func TestShutdownIsAnsweredAndToldToWhoeverRunsThePrincipal(t *testing.T) {
	s := newSite(t)
	for range 2 {
		ask[wire.Nothing](t, s.admin, wire.OpShutdown, &wire.Plain{})
		<-s.p.ToldToStop()
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
}

func TestStoppingPrincipalStartsNothingAndStillTakesResults(t *testing.T) {
	s := newSite(t)
	w := s.worker("a1", 1)
	s.trigger("hello", "")
	at := w.take()[0].Attempt
	s.p.StartNoMore()
	_, err := try[wire.Triggered](s.admin, wire.OpRunTrigger, item("hello", ""))
	wantRefusal(t, err, wire.Unavailable, "stopping")
	w.report(at, 0, nil).get(t)
	if got := ask[wire.RunWaited](t, s.admin, wire.OpRunWait, &wire.RunWait{Run: at.Run}); got.Status != "COMPLETED" {
		t.Errorf("the run is %+v", got)
	}
}

func TestReloadsThatWaitAtTheEndAreAnswered(t *testing.T) {
	s := newSite(t)
	asks, slow := s.p.definitions.asks, make(chan struct{})
	asks <- func(*Catalog) { <-slow }
	harness.Eventually(t, "the slow one is under way", func() bool { return len(asks) == 0 })
	var waiting []*answer[wire.Reloaded]
	for range cap(asks) {
		waiting = append(waiting, later[wire.Reloaded](s.admin, wire.OpReload, &wire.Plain{}))
	}
	harness.Eventually(t, "the others wait", func() bool { return len(asks) == cap(asks) })
	s.stop()
	close(slow)
	if err := s.over(); err != nil {
		t.Error(err)
	}
	for _, a := range waiting {
		if <-a.done; a.err != nil {
			wantRefusal(t, a.err, wire.Unavailable, "stopping")
		}
	}
}

func TestFirstLoadWithoutADirectorySaysWhatToDo(t *testing.T) {
	var log strings.Builder
	newDefinitions(NewDirectory(filepath.Join(t.TempDir(), "none")), time.Hour, slog.New(slog.NewTextHandler(&log, nil)))
	if got := log.String(); !strings.Contains(got, "no workflows") || !strings.Contains(got, "cdktr-principal init") || strings.Contains(got, "stays") {
		t.Errorf("logged %s", got)
	}
}
