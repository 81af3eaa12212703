package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cdktr/cdktr/lib/bus"
	"github.com/cdktr/cdktr/lib/harness"
	"github.com/cdktr/cdktr/lib/wire"
)

// Messages from one who has a key and means no good. Each is answered with the
// code that fits, and costs nobody anything.
func TestHostileMessagesAreRefusedAndHarmNobody(t *testing.T) {
	t.Parallel()
	in, g := house(t)
	defer g.leave()
	a, _ := in.Address()
	api := raw(t, in, a.API, keyOf(t, in, "admin"))
	logs := raw(t, in, a.Logs, keyOf(t, in, "agent"))

	trigger := func(rest string) string { return `{"v":1,"id":"x","op":"run.trigger","workflow":"quiet"` + rest + `}` }
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	full := func(before, item, after string) string { // a message as large as they may be
		n := (wire.MaxMessage - len(before) - len(after)) / (len(item) + 1)
		return before + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + after
	}
	append1 := func(batches string) string {
		return `{"v":1,"id":"x","op":"logs.append","agent":"a","batches":[` + batches + `]}`
	}
	for _, c := range []struct {
		name, body string
		port       *bus.Client
		want       wire.Code
	}{
		{"not JSON", "{", api, wire.BadRequest},
		{"a list", "[]", api, wire.BadRequest},
		{"two messages", trigger("") + trigger(""), api, wire.BadRequest},
		{"NUL", "\x00", api, wire.BadRequest},
		{"not UTF-8", trigger(`,"key":"` + "\xff" + `"`), api, wire.BadRequest},
		{"half a character", trigger(`,"key":"\ud800"`), api, "ok"}, // as everywhere in JSON: U+FFFD
		{"an escape that is none", trigger(`,"key":"\x41"`), api, wire.BadRequest},
		{"unknown field", trigger(`,"colour":"red"`), api, wire.BadRequest},
		{"field twice", trigger(`,"workflow":"hello"`), api, wire.BadRequest},
		{"parameter twice", trigger(`,"params":{"a":1,"a":2}`), api, wire.BadRequest},
		{"wrong type", trigger(`,"key":7`), api, wire.BadRequest},
		{"no version", `{"id":"x","op":"ping"}`, api, wire.BadVersion},
		{"old version", `{"v":0,"id":"x","op":"ping"}`, api, wire.BadVersion},
		{"new version", `{"v":2,"id":"x","op":"ping"}`, api, wire.BadVersion},
		{"version as text", `{"v":"1","id":"x","op":"ping"}`, api, wire.BadVersion},
		{"huge version", `{"v":` + strings.Repeat("9", 1<<20) + `,"id":"x","op":"ping"}`, api, wire.BadVersion},
		{"unknown op", `{"v":1,"id":"x","op":"run.destroy"}`, api, wire.UnknownOp},
		{"op of the other port", append1(""), api, wire.UnknownOp},
		{"long op", `{"v":1,"id":"x","op":"` + strings.Repeat("x", 1<<20) + `"}`, api, wire.UnknownOp},
		{"long id", `{"v":1,"op":"ping","id":"` + strings.Repeat("x", 1<<20) + `"}`, api, wire.BadRequest},
		{"60 levels", trigger(`,"params":{"a":` + nested(60) + `}`), api, "ok"},
		{"64 levels more", trigger(`,"params":{"a":` + nested(64) + `}`), api, wire.BadRequest},
		{"100,000 levels", trigger(`,"params":{"a":` + nested(100_000) + `}`), api, wire.BadRequest},
		{"2,000,000 open levels", strings.Repeat(`{"a":`, 800_000), api, wire.BadRequest},
		{"a number of 1 MiB", `{"v":1,"id":"x","op":"run.wait","run":"aaaaaaaaaaaa","timeout_ms":` + strings.Repeat("9", 1<<20) + `}`, api, wire.BadRequest},
		{"1e400", `{"v":1,"id":"x","op":"run.wait","run":"aaaaaaaaaaaa","timeout_ms":1e400}`, api, wire.BadRequest},
		{"-1", `{"v":1,"id":"x","op":"run.wait","run":"aaaaaaaaaaaa","timeout_ms":-1}`, api, wire.NotFound},
		{"newest of all", `{"v":1,"id":"x","op":"run.list","last":9223372036854775807}`, api, "ok"},
		{"newest, negative", `{"v":1,"id":"x","op":"run.list","last":-9223372036854775808}`, api, "ok"},
		{"a cursor of one's own", `{"v":1,"id":"x","op":"logs.query","cursor":"' OR 1=1 --"}`, api, wire.BadRequest},
		{"SQL for a run", `{"v":1,"id":"x","op":"run.get","run":"'; DROP TABLE events; --"}`, api, wire.NotFound},
		{"long parameter", trigger(`,"params":{"a":"` + strings.Repeat("x", 65<<10) + `"}`), api, wire.TooLarge},
		{"NUL in a parameter", trigger(`,"params":{"a":"\u0000"}`), api, wire.BadRequest},
		{"path for a workflow", strings.Replace(trigger(""), "quiet", "../../etc/passwd", 1), api, wire.NotFound},
		{"very many runs", full(`{"v":1,"id":"x","op":"run.trigger","batch":[`, "{}", "]}"), api, wire.BadRequest},
		{"very many held", full(`{"v":1,"id":"x","op":"agent.hello","agent":"a","incarnation":1,"name":"n","slots":1,"version":"1","held":[`, "{}", "]}"), api, wire.BadRequest},
		{"many slots", `{"v":1,"id":"x","op":"agent.hello","agent":"a","incarnation":1,"name":"n","slots":999999999,"version":"1"}`, api, wire.BadRequest},
		{"over the limit", trigger(`,"key":"` + strings.Repeat("x", wire.MaxMessage) + `"`)[:wire.MaxMessage-1], api, wire.BadRequest},

		{"logs: not JSON", "}", logs, wire.BadRequest},
		{"logs: an op of the API", trigger(""), logs, wire.UnknownOp},
		{"logs: no such run", append1(`{"run":"aaaaaaaaaaaa","task":"a","attempt":1,"stream":"stdout","first":1,"lines":[{"t":1,"m":"x"}]}`), logs, wire.NotFound},
		{"logs: no such stream", append1(`{"run":"aaaaaaaaaaaa","task":"a","attempt":1,"stream":"../x","first":1,"lines":[]}`), logs, wire.BadRequest},
		{"logs: from the last number on", append1(`{"run":"aaaaaaaaaaaa","task":"a","attempt":1,"stream":"stdout","first":9223372036854775807,"lines":[{"t":1},{"t":1}]}`), logs, wire.NotFound},
		{"logs: very many batches", full(`{"v":1,"id":"x","op":"logs.append","agent":"a","batches":[`, "{}", "]}"), logs, wire.BadRequest},
	} {
		for range 3 {
			if r := say(t, c.port, c.body); code(r) != c.want {
				t.Errorf("%s: %s, want %s (%v)", c.name, code(r), c.want, r.Error)
			} else if r.Error != nil && len(r.Error.Message) > 5000 {
				t.Errorf("%s: an answer of %d bytes", c.name, len(r.Error.Message))
			}
		}
		g.isServed(t)
	}
	stands(t, in, g)
}

// A key of a role may do what the role may, on a connection that stands.
func TestHostileRolesAreRefused(t *testing.T) {
	t.Parallel()
	in, g := house(t)
	defer g.leave()
	a, _ := in.Address()
	for role, may := range map[string]map[string]wire.Code{
		"viewer":   {"ping": "ok", "run.trigger": wire.NotAllowed, "agent.renew": wire.NotAllowed, "key.list": wire.NotAllowed, "shutdown": wire.NotAllowed},
		"operator": {"ping": "ok", "run.trigger": "ok", "agent.renew": wire.NotAllowed, "key.list": wire.NotAllowed, "shutdown": wire.NotAllowed},
		"agent":    {"ping": "ok", "run.trigger": wire.NotAllowed, "run.list": wire.NotAllowed, "key.list": wire.NotAllowed, "shutdown": wire.NotAllowed},
	} {
		pair := granted(t, in, "my-"+role, role)
		api, logs := raw(t, in, a.API, pair), raw(t, in, a.Logs, pair)
		for op, want := range may {
			body := fmt.Sprintf(`{"v":1,"id":"x","op":%q}`, op)
			if op == "run.trigger" {
				body = `{"v":1,"id":"x","op":"run.trigger","workflow":"quiet"}`
			}
			if r := say(t, api, body); code(r) != want {
				t.Errorf("%s, %s: %s, want %s", role, op, code(r), want)
			}
		}
		want := wire.NotAllowed
		if role == "agent" {
			want = wire.BadRequest // it may, but not that
		}
		if r := say(t, logs, `{"v":1,"id":"x","op":"logs.append","batches":7}`); code(r) != want {
			t.Errorf("%s, lines: %s, want %s", role, code(r), want)
		}
	}
	stands(t, in, g)
}

// granted is a new key of that role.
func granted(t *testing.T, in *harness.Installation, name, role string) bus.Pair {
	t.Helper()
	i, err := bus.ParseInvitation(strings.NewReader(in.Must("cdktr-principal", "grant", name, "--role", role)))
	if err != nil {
		t.Fatal(err)
	}
	return i.Pair
}
