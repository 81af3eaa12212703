package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// A few bytes of text can make an item of a hundred.
func TestListThatWouldTakeVeryMuchMemoryIsRefused(t *testing.T) {
	many := func(item string) string {
		return strings.TrimSuffix(strings.Repeat(item+",", (MaxMessage-1000)/(len(item)+1)), ",")
	}
	for text, into := range map[string]any{
		`{"batches":[` + many("{}") + `]}`:             new(LogAppend),
		`{"batches":[{"lines":[` + many("{}") + `]}]}`: new(LogAppend),
		`{"batch":[` + many("{}") + `]}`:               new(Trigger),
		`{"held":[` + many("{}") + `]}`:                new(AgentHello),
	} {
		if e := DecodeRequest([]byte(text), into); e == nil || e.Code != BadRequest || !strings.Contains(e.Message, "has more than") {
			t.Errorf("%.30s…: %v", text, e)
		}
	}
	lines := many(`{"t":1767323040123,"m":""}`)
	if e := DecodeRequest([]byte(`{"batches":[{"lines":[`+lines+`]}]}`), new(LogAppend)); e != nil {
		t.Errorf("a message full of the shortest lines: %v", e)
	}
}

func TestErrorThatQuotesTheRequestStaysShort(t *testing.T) {
	for _, text := range []string{"x", "é", "日", "👩"} {
		for shift := range 4 {
			body := EncodeError("a", refuse(BadRequest, "%s", strings.Repeat("x", shift)+strings.Repeat(text, 1<<20)))
			var r Reply
			if err := json.Unmarshal(body, &r); err != nil {
				t.Fatal(err)
			}
			if len(body) > 5<<10 || strings.ContainsRune(r.Error.Message, utf8.RuneError) {
				t.Errorf("%d bytes, ends with %q", len(body), r.Error.Message[len(r.Error.Message)-8:])
			}
		}
	}
}
