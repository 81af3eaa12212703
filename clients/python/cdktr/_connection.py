"""How the principal is found and asked."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional, Union

import zmq
import zmq.auth
from zmq.utils.monitor import recv_monitor_message

DEFAULT_PORT = 5561

Socket = zmq.Socket[bytes]
Context = zmq.Context[Socket]


class Error(str):
    """Why something was not done, in words. `code` is for programs: one of the
    protocol's, or `away` (no principal answered), `denied` (it does not know
    the key), `no_key` (there is no key to show), `timeout`."""

    code: str

    def __new__(cls, message: str, code: str) -> Error:
        self = super().__new__(cls, message)
        self.code = code
        return self


class Failure(Exception):
    """An Error that is raised, where there is no Result to hold it."""

    def __init__(self, error: Error) -> None:
        super().__init__(error)
        self.error = error


class Lost(Exception):
    """No principal is there, or the connection broke: to be tried again."""


@dataclass(frozen=True)
class Place:
    """Where to dial, and with which keys: without any the wire is plain."""

    api: str
    server_key: bytes = b""
    public_key: bytes = b""
    secret_key: bytes = b""

    def socket(self, context: Context, kind: int) -> Socket:
        sock = context.socket(kind)
        sock.linger = 0
        sock.setsockopt(zmq.IPV6, 1)
        sock.setsockopt(zmq.HEARTBEAT_IVL, 5_000)
        sock.setsockopt(zmq.HEARTBEAT_TIMEOUT, 15_000)
        if self.server_key:
            sock.curve_serverkey = self.server_key
            sock.curve_publickey, sock.curve_secretkey = self.public_key, self.secret_key
        return sock

    def beside(self, address: str) -> str:
        """Another port of this principal. One that listens everywhere is at the
        host where its API was found."""
        host, _, port = address.rpartition(":")
        if host in ("tcp://0.0.0.0", "tcp://[::]"):
            host, _, _ = self.api.rpartition(":")
        return f"{host}:{port}"


class Finder:
    """Says where the principal is now: it may be elsewhere after a restart."""

    def __init__(
        self,
        host: Optional[str],
        port: Optional[int],
        keys: Union[str, Path, None],
        data: Union[str, Path, None],
    ) -> None:
        env = os.environ
        self.data = Path(data or env.get("CDKTR_APP_DATA_DIRECTORY") or Path.home() / ".cdktr")
        self.keys = Path(keys or env.get("CDKTR_KEYS") or self.data / "keys")
        self.joined = self.keys.is_file()
        if host is None and port is None and not self.joined:
            host = env.get("CDKTR_PRINCIPAL_HOST") or None
            port = int(env.get("CDKTR_PRINCIPAL_PORT") or 0) or None
        self.api = ""
        if host is not None or port is not None:
            if host in (None, "0.0.0.0"):  # a place to listen on; who dials it means this machine
                host = "127.0.0.1"
            if ":" in str(host):
                host = f"[{str(host).strip('[]')}]"
            self.api = f"tcp://{host}:{port or DEFAULT_PORT}"

    def find(self) -> Place:
        if self.joined:
            return self._invited()
        here = self._presence()
        if self.api and (here is None or here["api"] != self.api):
            server_key, _ = self._certificate(self.keys / "principal.key")
            return Place(self.api, server_key, *self._pair(self.keys / "admin.key_secret"))
        if here is None:
            raise Lost(f"no principal.json in {self.data}")
        if not here["public_key"]:
            return Place(here["api"])
        return Place(here["api"], here["public_key"].encode(), *self._pair(self.keys / "admin.key_secret"))

    def _presence(self) -> Optional[dict[str, Any]]:
        """principal.json; one whose process is gone counts as absent."""
        try:
            here: dict[str, Any] = json.loads((self.data / "principal.json").read_text())
            os.kill(here["pid"], 0)
            return here
        except (FileNotFoundError, ProcessLookupError):
            return None
        except PermissionError as e:
            if e.filename is None:  # the process is another user's, and there
                return here
            raise no_key(e) from e

    def _invited(self) -> Place:
        """What a join file says."""
        try:
            text = self.keys.read_text()
        except OSError as e:
            raise no_key(e) from e
        said = dict(re.findall(r'^\s*(address|principal-key)\s*=\s*"([^"]+)"', text, re.M))
        if len(said) < 2:
            raise no_key(f"{self.keys} is no join file: it does not name a principal")
        return Place(self.api or said["address"], said["principal-key"].encode(), *self._pair(self.keys))

    def _pair(self, path: Path) -> tuple[bytes, bytes]:
        public, secret = self._certificate(path)
        if secret is None:
            raise no_key(f"{path} has no secret-key")
        return public, secret

    def _certificate(self, path: Path) -> tuple[bytes, Optional[bytes]]:
        try:
            return zmq.auth.load_certificate(path)
        except (OSError, ValueError) as e:
            raise no_key(e) from e


def no_key(why: object) -> Failure:
    return Failure(Error(f"no key: {why}", "no_key"))


class Connection:
    """A REQ socket and its monitor, for one request after the other."""

    def __init__(self, context: Context, place: Place) -> None:
        self.place = place
        self.stood = False  # the handshake has succeeded
        self.sock = place.socket(context, zmq.REQ)
        self.monitor = self.sock.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_DISCONNECTED
        )
        self.poller = zmq.Poller()
        self.poller.register(self.sock, zmq.POLLIN)
        self.poller.register(self.monitor, zmq.POLLIN)
        self.sock.connect(place.api)

    def exchange(self, body: bytes, connect: float, patience: float, moved: Callable[[], bool]) -> bytes:
        """Sends a request and returns its reply. After Lost the connection is
        of no more use."""
        self.sock.send(body)
        deadline = time.monotonic() + (patience if self.stood else connect)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Lost("no answer")
            ready = dict(self.poller.poll(int(1000 * min(left, 0.1)) + 1))
            if self.sock in ready:
                self.stood = True
                return self.sock.recv()
            if self.monitor in ready:
                event = recv_monitor_message(self.monitor)["event"]
                if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                    raise Failure(Error("the principal refused this key", "denied"))
                if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                    self.stood = True
                    deadline = time.monotonic() + patience
                elif self.stood:
                    raise Lost("the connection broke")
            elif not self.stood and moved():
                raise Lost("the principal has moved")

    def close(self) -> None:
        self.sock.disable_monitor()
        self.monitor.close(linger=0)
        self.sock.close(linger=0)
