"""A full client in Python: ENDPOINT KIND PRINCIPAL-KEY CLIENT-SECRET BODY...

KIND is req, correlate or plaintext. Prints each reply, or "silence" when none
comes within a second.
"""
import sys
import zmq
import zmq.auth

endpoint, kind, principal, client, *bodies = sys.argv[1:]
with zmq.Context() as context, context.socket(zmq.REQ) as sock:
    sock.linger = 0
    if kind != "plaintext":
        sock.curve_serverkey, _ = zmq.auth.load_certificate(principal)
        sock.curve_publickey, sock.curve_secretkey = zmq.auth.load_certificate(client)
    if kind == "correlate":
        sock.setsockopt(zmq.REQ_CORRELATE, 1)
    sock.connect(endpoint)
    for body in bodies:
        sock.send_string(body)
        if not sock.poll(1000):
            print("silence")
            break
        print(sock.recv_string())
