package bus

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	zmq "github.com/pebbe/zmq4"
)

// cutUp makes frames of bytes: each is as long as the byte before it says.
func cutUp(text []byte) (frames [][]byte) {
	for len(text) > 0 {
		n := min(int(text[0]), len(text)-1)
		frames = append(frames, text[1:1+n])
		text = text[1+n:]
	}
	return frames
}

// An envelope goes back as it came, whatever it is, and what is in it is never
// taken for a body.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("\x02id\x00\x04body"), true)
	f.Add([]byte("\x02id\x01a\x00\x00"), true)
	f.Add([]byte("\x02id\x04body"), false)
	f.Fuzz(func(t *testing.T, text []byte, whole bool) {
		frames := cutUp(text)
		if len(frames) == 0 {
			return // a ROUTER puts the peer's id before
		}
		envelope, body := split(message{frames: frames, whole: whole})
		if len(envelope) == 0 || !slices.EqualFunc(envelope, frames[:len(envelope)], bytes.Equal) {
			t.Fatalf("%q has the envelope %q", frames, envelope)
		}
		if len(body) > 0 && (!whole || len(envelope)+1 != len(frames) || len(envelope[len(envelope)-1]) > 0) {
			t.Fatalf("%q has the body %q", frames, body)
		}
		if cap(envelope) > len(envelope) {
			t.Fatal("a reply would write over the request")
		}
	})
}

// Nothing but the listed key, in a whole request, is let in.
func FuzzZAPRequest(f *testing.F) {
	const listed = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
	binary := zmq.Z85decode(listed)
	f.Add([]byte("\x031.0\x011\x05cdktr\x09127.0.0.1\x00\x05CURVE\x20" + binary))
	f.Add([]byte("\x031.0\x011\x05cdktr\x09127.0.0.1\x00\x04NULL"))
	f.Add([]byte("\x031.0\x011\x05cdktr\x09127.0.0.1\x00\x05PLAIN\x05admin\x05admin"))
	f.Fuzz(func(t *testing.T, text []byte) {
		request := cutUp(text)
		g := &gate{allow: func(public string, _ bool) bool { return public == listed }}
		answer := g.judge(request)
		if len(answer) != 6 || string(answer[0]) != "1.0" {
			t.Fatalf("%q is no ZAP answer", answer)
		}
		if let := string(answer[2]) == "200"; let && (len(request) != 7 || string(request[5]) != "CURVE" || string(request[6]) != binary || string(answer[4]) != listed) {
			t.Fatalf("%q is let in with %q", request, answer)
		}
	})
}

// Whatever a file in the key directory holds, only a whole certificate lets
// somebody in, under the file's name, and the principal starts.
func FuzzGrantedKeyFile(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "keys")
	if _, err := OpenRing(dir); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("metadata\n    name = \"web1\"\n    role = \"agent\"\ncurve\n    public-key = \"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\"\n"))
	f.Add([]byte("curve\n    public-key = \"\"\n"))
	f.Add([]byte("metadata\n\trole=admin\ncurve\n\tpublic-key='x'\n\tsecret-key='x'"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, "web1.key"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		ring := &Ring{dir: dir, known: map[string]Holder{}}
		if err := ring.readGranted(); err != nil {
			t.Fatal(err)
		}
		if len(ring.known)+len(ring.skipped) != 1 {
			t.Fatalf("%d are let in, %d are skipped", len(ring.known), len(ring.skipped))
		}
		for public, h := range ring.known {
			if h.Name != "web1" || h.Public != public || !slices.Contains(roles, h.Role) || !isKey(public) {
				t.Fatalf("%+v is let in", h)
			}
		}
	})
}
