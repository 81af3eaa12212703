"""Makes a certificate with pyzmq: DIRECTORY NAME."""
import sys
import zmq.auth

zmq.auth.create_certificates(sys.argv[1], sys.argv[2], {"role": "viewer"})
