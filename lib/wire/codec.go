package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// maxID bounds the id of a request, which every reply repeats.
const maxID = 256

// DecodeHeader reads what is common to all requests and leaves the rest to
// DecodeRequest: it stops at the last of the three fields. With an error the
// header holds what could be read, so that the answer carries the id if any.
func DecodeHeader(body []byte) (Header, *Error) {
	var h Header
	if e := readable(body); e != nil {
		return h, e
	}
	var version []byte
	var haveID, haveOp bool
	done := errors.New("header read")
	d := decoder{scanner: scanner{text: body}}
	err := d.object(func(key []byte) (err error) {
		switch string(key) {
		case "v":
			version, err = d.value()
		case "id":
			haveID = true
			h.ID, err = d.text("id")
		case "op":
			haveOp = true
			var op string
			op, err = d.text("op")
			h.Op = Op(op)
		default:
			_, err = d.value()
		}
		if err == nil && version != nil && haveID && haveOp {
			return done
		}
		return err
	})
	if len(h.ID) > maxID {
		h.ID = ""
		return h, refuse(BadRequest, "field %q is longer than %d bytes", "id", maxID)
	}
	if err != nil && err != done {
		return h, refuse(BadRequest, "%v", err)
	}
	if e := checkVersion(version); e != nil {
		return h, e
	}
	h.V = Version
	if h.Op == "" {
		return h, refuse(BadRequest, "field %q is missing", "op")
	}
	return h, nil
}

// text reads a string that a header field must be.
func (d *decoder) text(name string) (string, error) {
	if d.peek() != '"' {
		return "", under(name, d.wrong("a string"))
	}
	text, err := d.str()
	return string(text), err
}

func checkVersion(text []byte) *Error {
	switch {
	case text == nil:
		return refuse(BadVersion, "field %q is missing: this is protocol version %d", "v", Version)
	case string(text) != fmt.Sprint(Version):
		if len(text) > 32 {
			text = append(bytes.Clone(text[:32]), "…"...)
		}
		return refuse(BadVersion, "protocol version %s is not spoken here: this is version %d", bytes.ToValidUTF8(text, nil), Version)
	}
	return nil
}

// readable refuses what is no message at all.
func readable(body []byte) *Error {
	switch {
	case len(body) > MaxMessage:
		return refuse(TooLarge, "a message of %d bytes is over the limit of %d", len(body), MaxMessage)
	case len(body) == 0:
		return refuse(BadRequest, "a request is an envelope and then exactly one frame with a JSON object")
	case !utf8.Valid(body):
		return refuse(BadRequest, "the message is not UTF-8")
	}
	return nil
}

// DecodeRequest reads the whole request into a pointer to its type. An unknown
// field, a field given twice, a value of the wrong type and anything after the
// object are refused, by name.
func DecodeRequest(body []byte, into any) *Error {
	if e := readable(body); e != nil {
		return e
	}
	d := decoder{scanner: scanner{text: body}, strict: true}
	if d.peek() != '{' {
		return refuse(BadRequest, "%v", d.unexpected("an object"))
	}
	if err := d.message(into); err != nil {
		return refuse(BadRequest, "%v", err)
	}
	return nil
}

func refuse(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// appender is a message that writes itself, without reflection.
type appender interface{ AppendJSON(dst []byte) []byte }

// EncodeRequest writes a request. The error is a *Error with too_large, or a
// mistake in the program.
func EncodeRequest(req any) ([]byte, error) {
	body, err := encode(nil, req)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", req, err)
	}
	if e := readable(body); e != nil {
		return nil, e
	}
	return body, nil
}

// EncodeReply writes the answer to a request that was done. An answer over the
// limit becomes a too_large error, because the peer would cut the connection.
func EncodeReply(id string, result any) []byte {
	b := replyHead(id, true)
	b = append(b, `,"result":`...)
	b, err := encode(b, result)
	if err != nil {
		return EncodeError(id, refuse(Internal, "encode %T: %v", result, err))
	}
	b = append(b, '}')
	if len(b) > MaxMessage {
		return EncodeError(id, refuse(TooLarge, "the answer of %d bytes is over the limit of %d: ask for less at a time", len(b), MaxMessage))
	}
	return b
}

// maxErrorText bounds an error's message, which may quote the request: a reply
// fits, and a person can read it.
const maxErrorText = 4 << 10

// EncodeError writes the answer to a request that was refused. The id is empty
// where none could be read.
func EncodeError(id string, e *Error) []byte {
	text := e.Message
	if len(text) > maxErrorText {
		cut := maxErrorText
		for !utf8.RuneStart(text[cut]) && cut > maxErrorText-utf8.UTFMax {
			cut--
		}
		text = text[:cut] + "…"
	}
	b := replyHead(id, false)
	b = append(b, `,"error":{"code":`...)
	b = appendString(b, string(e.Code))
	b = append(b, `,"message":`...)
	b = appendString(b, text)
	if e.Skipped {
		b = append(b, `,"skipped":true`...)
	}
	return append(b, "}}"...)
}

func replyHead(id string, ok bool) []byte {
	b := fmt.Appendf(make([]byte, 0, 256), `{"v":%d,"id":`, Version)
	b = appendString(b, id)
	return fmt.Appendf(b, `,"ok":%t`, ok)
}

// Size is the length of a message, or of a part of one, as it travels.
func Size(v any) (int, error) {
	b, err := encode(nil, v)
	return len(b), err
}

func encode(dst []byte, v any) ([]byte, error) {
	if a, ok := v.(appender); ok {
		return a.AppendJSON(dst), nil
	}
	buf := bytes.NewBuffer(dst)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// DecodeReply reads the answer to the request with this id into a pointer to
// the result's type, which may be nil. Fields that are not known are skipped.
// A refusal is returned as a *Error; any other error means that this is no
// answer to that request. The result may share memory with body.
func DecodeReply(body []byte, id string, result any) error {
	if e := readable(body); e != nil {
		return fmt.Errorf("decode reply: %s", e.Message)
	}
	var r Reply
	d := decoder{scanner: scanner{text: body}}
	done, err := d.reply(&r, id, result)
	if err != nil {
		return fmt.Errorf("decode reply: %w", err)
	}
	switch {
	case !r.OK && r.Error != nil && (r.ID == id || r.ID == ""):
		return r.Error // an empty id: the request could not be read
	case r.ID != id:
		return fmt.Errorf("decode reply: it answers request %q, not %q", r.ID, id)
	case !r.OK:
		return errors.New("decode reply: neither a result nor an error")
	case r.V != Version:
		return fmt.Errorf("decode reply: protocol version %d, this is version %d", r.V, Version)
	case done || result == nil || r.Result == nil:
		return nil
	}
	d = decoder{scanner: scanner{text: r.Result}, layouts: d.layouts}
	if err := d.message(result); err != nil {
		return fmt.Errorf("decode result: %w", err)
	}
	return nil
}

// reply reads a reply. A result that comes behind all that says whether it is
// one, as ours do, is decoded at once, so that a large one is read once; done
// tells that.
func (d *decoder) reply(r *Reply, id string, result any) (done bool, err error) {
	fields := map[string]any{"v": &r.V, "id": &r.ID, "ok": &r.OK, "result": &r.Result, "error": &r.Error}
	err = d.object(func(key []byte) error {
		into := fields[string(key)]
		switch {
		case into == nil:
			_, err := d.value()
			return err
		case string(key) == "result" && result != nil && r.OK && r.ID == id && r.V == Version && d.peek() == '{':
			done = true
			into = result
		}
		return under(string(key), d.decode(reflect.ValueOf(into).Elem()))
	})
	if err == nil {
		err = d.end()
	}
	return done, err
}
