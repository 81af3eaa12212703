"""One hostile peer: hostile.py ATTACK API LOGS LIVE KEYS

Prints what it got, ends by itself, and expects no answer to most it does.
"""

import json
import sys
import time

import zmq
import zmq.auth

attack, api, logs, live, keys = sys.argv[1:]
context = zmq.Context()
principal, _ = zmq.auth.load_certificate(keys + "/principal.key")
MiB = 1 << 20


def sock(kind, address, name="admin", **options):
    """A socket with a key: one of the principal's own, a stranger's, or none."""
    s = context.socket(kind)
    s.linger = 0
    s.rcvtimeo = 10_000
    for option, value in options.items():
        setattr(s, option, value)
    if name:
        pair = zmq.curve_keypair() if name == "stranger" else zmq.auth.load_certificate(keys + "/" + name + ".key_secret")
        s.curve_serverkey, (s.curve_publickey, s.curve_secretkey) = principal, pair
    s.connect(address)
    return s


def request(op="ping", **fields):
    return json.dumps({"v": 1, "id": "x", "op": op, **fields}).encode()


def answer(s):
    """What comes, or what became of it."""
    try:
        return s.recv_multipart()[-1].decode()
    except zmq.Again:
        return "silence"


def unanswered(name):
    """Nobody without a listed key hears a word, on any port."""
    all = []
    for address in api, logs:
        for kind in zmq.REQ, zmq.DEALER:
            s = sock(kind, address, name, rcvtimeo=1000, sndtimeo=1000)
            s.send_multipart([b"", request()] if kind == zmq.DEALER else [request()])
            all.append(s)
    s = sock(zmq.SUB, live, name, rcvtimeo=2500)  # a mark goes out every second
    s.subscribe(b"")
    all.append(s)
    for s in all:
        print(answer(s))


def frames():
    """A thousand frames, empty and full, to sockets that want two."""
    for address in api, logs:
        for frame in b"", b"x", b"x" * 4000:
            s = sock(zmq.DEALER, address)
            for _ in range(5):
                s.send_multipart([frame] * 1000)
            for _ in range(5):
                print(json.loads(answer(s))["error"]["code"])
    s = sock(zmq.XSUB, live)
    for _ in range(30):
        s.send_multipart([b"\x01" + b"x" * 1000] * 1000)
    s.send(b"\x01mark")
    print("mark" if s.recv_multipart()[0] == b"mark" else "?")


def oversize():
    """Five mebibytes, again and again, from one who has a key."""
    for address in api, logs:
        for _ in range(5):
            s = sock(zmq.DEALER, address, rcvtimeo=200)
            s.send_multipart([b"", b"x" * (5 * MiB)])
            print(answer(s))
            s.close()


def unread():
    """Many ask for large answers, take none, and hang up with more asked than was read."""
    all = [sock(zmq.DEALER, api, rcvhwm=1, rcvbuf=4096) for _ in range(60)]
    sent = 0
    end = time.time() + 3
    while time.time() < end:
        for s in all:
            try:
                s.send_multipart([b"", request("logs.query")], zmq.NOBLOCK)
                sent += 1
            except zmq.Again:
                pass
        time.sleep(0.01)
    for s in all:
        s.close()
    time.sleep(6)  # a principal that asks whether they live does it every five seconds
    print("sent", sent)


def deaf():
    """Subscribes to everything and reads nothing."""
    all = []
    for _ in range(20):
        s = sock(zmq.SUB, live, rcvhwm=1, rcvbuf=4096)
        s.subscribe(b"")
        all.append(s)
    time.sleep(8)
    print("deaf")


def topics():
    """Subscribes to very many things that do not exist."""
    s = sock(zmq.XSUB, live)
    for i in range(20_000):
        s.send(b"\x01log/%d/" % i + b"x" * 100)
    time.sleep(2)
    print("topics")


{
    "plaintext": lambda: unanswered(None),
    "stranger": lambda: unanswered("stranger"),
    "frames": frames,
    "oversize": oversize,
    "unread": unread,
    "deaf": deaf,
    "topics": topics,
}[attack]()
