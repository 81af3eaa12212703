"""Triggers a run and waits for it: client.py ADDRESS KEYS"""

import json
import sys

import zmq
import zmq.auth

address, keys = sys.argv[1:]
socket = zmq.Context().socket(zmq.REQ)
socket.curve_serverkey, _ = zmq.auth.load_certificate(keys + "/principal.key")
socket.curve_publickey, socket.curve_secretkey = zmq.auth.load_certificate(keys + "/admin.key_secret")
socket.rcvtimeo = 60_000
socket.linger = 0
socket.connect(address)


def ask(id, op, **fields):
    socket.send_json({"v": 1, "id": id, "op": op, **fields})
    return socket.recv_json()


refused = ask("trigger-0", "run.trigger", workflow="greet", colour="red")
assert not refused["ok"] and refused["id"] == "trigger-0", refused
assert refused["error"]["code"] == "bad_request" and "colour" in refused["error"]["message"], refused

request = {"workflow": "greet", "params": {"name": "Python"}, "key": "only once"}
started = ask("trigger-1", "run.trigger", **request)
assert started["ok"], started
again = ask("trigger-2", "run.trigger", **request)
assert again["result"]["run"] == started["result"]["run"], again

while True:
    reply = ask("wait-1", "run.wait", run=started["result"]["run"], timeout_ms=1000)
    if not reply["ok"] or reply["result"]["ended"]:
        break
print(json.dumps(reply))
