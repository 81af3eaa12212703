package wire

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// decoder fills the types of this package from JSON. It exists beside
// encoding/json because that one accepts keys in any case and keys given
// twice, and takes too long for a full batch of log lines.
type decoder struct {
	scanner
	strict  bool // an unknown field is an error
	layouts map[reflect.Type]layout
}

// layout is the fields of a struct by their JSON names, those of embedded
// structs included.
type layout []field

type field struct {
	name  string
	index []int
}

// fieldError is a value that does not fit, at a path such as batch[2].key.
type fieldError struct {
	path string
	what string
}

func (e *fieldError) Error() string { return fmt.Sprintf("field %q %s", e.path, e.what) }

// under puts a path before the error's own.
func under(path string, err error) error {
	if e, ok := errors.AsType[*fieldError](err); ok {
		if e.path != "" && e.path[0] != '[' {
			path += "."
		}
		e.path = path + e.path
	}
	return err
}

func (d *decoder) layout(t reflect.Type) layout {
	if l, ok := d.layouts[t]; ok {
		return l
	}
	var l layout
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			for _, inner := range d.layout(f.Type) {
				l = append(l, field{inner.name, append([]int{i}, inner.index...)})
			}
		case name != "" && name != "-":
			l = append(l, field{name, []int{i}})
		}
	}
	if d.layouts == nil {
		d.layouts = make(map[reflect.Type]layout)
	}
	d.layouts[t] = l
	return l
}

var (
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	rawType         = reflect.TypeFor[json.RawMessage]()
)

// message reads a whole message into the struct that v points to.
func (d *decoder) message(v any) error {
	if err := d.decode(reflect.ValueOf(v).Elem()); err != nil {
		return err
	}
	return d.end()
}

// decode reads the next value into v. Null leaves v as it is.
func (d *decoder) decode(v reflect.Value) error {
	c := d.peek()
	t := v.Type()
	if t == rawType {
		text, err := d.value()
		v.SetBytes(text)
		return err
	}
	if c == 'n' {
		_, err := d.word()
		return err
	}
	if reflect.PointerTo(t).Implements(unmarshalerType) {
		return d.unmarshal(v)
	}
	switch t.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		return d.decode(v.Elem())
	case reflect.Struct:
		return d.fields(v)
	case reflect.Map:
		return d.entries(v)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return d.bytes(v)
		}
		return d.items(v)
	case reflect.String:
		if c != '"' {
			return d.wrong("a string")
		}
		text, err := d.str()
		v.SetString(string(text))
		return err
	case reflect.Bool:
		if c != 't' && c != 'f' {
			return d.wrong("a boolean")
		}
		word, err := d.word()
		v.SetBool(word == "true")
		return err
	case reflect.Int, reflect.Int64:
		return d.integer(v)
	}
	return fmt.Errorf("decode %s: no such type in messages", t)
}

// wrong reports a value of another type than wanted, or text that is no value.
func (d *decoder) wrong(wanted string) error {
	c := d.peek()
	if _, err := d.value(); err != nil {
		return err
	}
	return &fieldError{what: "must be " + wanted + ", not " + kind(c)}
}

func (d *decoder) unmarshal(v reflect.Value) error {
	text, err := d.value()
	if err != nil {
		return err
	}
	if err := v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(text); err != nil {
		return &fieldError{what: "does not fit: " + err.Error()}
	}
	return nil
}

func (d *decoder) fields(v reflect.Value) error {
	if d.peek() != '{' {
		return d.wrong("an object")
	}
	l := d.layout(v.Type())
	var seen uint64 // by place in l; no message has 64 fields
	next := 0       // fields mostly come in order
	return d.object(func(key []byte) error {
		at := -1
		for i := range l {
			j := (next + i) % len(l)
			if l[j].name == string(key) {
				at = j
				break
			}
		}
		if at < 0 {
			if d.strict {
				return &fieldError{path: string(key), what: "is not known"}
			}
			_, err := d.value()
			return err
		}
		if seen&(1<<at) != 0 && d.strict {
			return &fieldError{path: string(key), what: "is given twice"}
		}
		seen |= 1 << at
		next = at + 1
		if err := d.decode(v.FieldByIndex(l[at].index)); err != nil {
			return under(l[at].name, err)
		}
		return nil
	})
}

func (d *decoder) entries(v reflect.Value) error {
	if d.peek() != '{' {
		return d.wrong("an object")
	}
	v.Set(reflect.MakeMap(v.Type()))
	return d.object(func(key []byte) error {
		k := reflect.ValueOf(string(key))
		if d.strict && v.MapIndex(k).IsValid() {
			return &fieldError{path: string(key), what: "is given twice"}
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if err := d.decode(item); err != nil {
			return under(k.String(), err)
		}
		v.SetMapIndex(k, item)
		return nil
	})
}

// maxList bounds the memory of one list, in bytes. Two bytes of text can make an
// item of a hundred; no message that means something comes near it.
const maxList = 16 << 20

func (d *decoder) items(v reflect.Value) error {
	if d.peek() != '[' {
		return d.wrong("a list")
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	most := maxList / int(v.Type().Elem().Size())
	return d.list(func() error {
		n := v.Len()
		if n >= most {
			return &fieldError{what: fmt.Sprintf("has more than %d items", most)}
		}
		if n == v.Cap() {
			v.Grow(max(n, 4))
		}
		v.SetLen(n + 1)
		v.Index(n).SetZero()
		if err := d.decode(v.Index(n)); err != nil {
			return under("["+strconv.Itoa(n)+"]", err)
		}
		return nil
	})
}

func (d *decoder) bytes(v reflect.Value) error {
	if d.peek() != '"' {
		return d.wrong("base64 in a string")
	}
	text, err := d.str()
	if err != nil {
		return err
	}
	out, err := base64.StdEncoding.AppendDecode([]byte{}, text)
	if err != nil {
		return &fieldError{what: "is not base64"}
	}
	v.SetBytes(out)
	return nil
}

func (d *decoder) integer(v reflect.Value) error {
	if c := d.peek(); c != '-' && (c < '0' || c > '9') {
		return d.wrong("a whole number")
	}
	text, err := d.number()
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || v.OverflowInt(n) {
		return &fieldError{what: "must be a whole number, not " + string(text)}
	}
	v.SetInt(n)
	return nil
}
