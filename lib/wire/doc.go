// Package wire holds the messages of CDKTR's protocol: their types, their
// strict decoding, the version rules and the error codes. It knows no socket.
//
// A request is one JSON object, {"v":1,"id":"…","op":"run.trigger", …}, with
// the op's own fields beside the header's. A reply is {"v":1,"id":"…",
// "ok":true,"result":{…}} or {"v":1,"id":"…","ok":false,"error":{"code":…,
// "message":…}}. Requests are decoded strictly: an unknown field is an error
// that names it. Replies are decoded tolerantly, so that an older client
// understands a newer principal. docs/protocol.md is the page for other
// languages.
package wire
