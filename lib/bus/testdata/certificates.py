"""Prints the keys of each certificate file as pyzmq reads them."""
import sys
import zmq.auth

for path in sys.argv[1:]:
    public, secret = zmq.auth.load_certificate(path)
    print(public.decode(), secret.decode() if secret else "-")
