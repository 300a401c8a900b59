"""Small servers for checks to look at, good and bad: one port on several addresses."""

import socket
import ssl
import struct
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

import dns.message
import dns.rcode
import dns.rrset
from OpenSSL import crypto

from tests.daemon.harness import free_port
from tests.health.certificates import Authority

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
MIB = b"x" * 1048576

Behaviour = Callable[[socket.socket, threading.Event], None]


def said(data: bytes) -> Behaviour:
    """Reads what comes first, and says something."""

    def behave(peer: socket.socket, end: threading.Event) -> None:
        peer.recv(4096)
        peer.sendall(data)

    return behave


def greeting(data: bytes) -> Behaviour:
    """Says something at once."""

    def behave(peer: socket.socket, end: threading.Event) -> None:
        peer.sendall(data)
        with suppress(TimeoutError):
            peer.recv(4096)

    return behave


def hang(peer: socket.socket, end: threading.Event) -> None:
    """Says nothing, as long as the client is there."""
    while peer.recv(4096):
        pass


def drip(peer: socket.socket, end: threading.Event) -> None:
    """Says one octet after another, for ever."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not end.wait(0.05):
        peer.sendall(b"x")


def flood(peer: socket.socket, end: threading.Event) -> None:
    """Sends a body of 100 MiB."""
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
    for _ in range(100):
        peer.sendall(MIB)


def shut(peer: socket.socket, end: threading.Event) -> None:
    """Closes at once."""


ok = said(GOOD)
error = said(b"HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nok\n")


class Peers:
    """A thread a connection; whoever connects to an address meets its behaviour.

    With `contexts` those addresses speak TLS.  `met` counts connections by address.
    """

    def __init__(
        self,
        behaviours: Mapping[str, Behaviour],
        contexts: Mapping[str, ssl.SSLContext] | None = None,
    ) -> None:
        self.behaviours = dict(behaviours)
        self.met: Counter[str] = Counter()
        self.port = free_port(tuple(behaviours))
        self._contexts = contexts or {}
        self._end = threading.Event()
        self._listeners = {}
        for address in behaviours:
            listener = socket.create_server((address, self.port), backlog=16)
            self._listeners[address] = listener
            threading.Thread(target=self._run, args=(address,), daemon=True).start()

    def stop(self) -> None:
        """Take no more connections, and end those that are there."""
        self._end.set()
        for listener in self._listeners.values():
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _run(self, address: str) -> None:
        while True:
            try:
                peer, _ = self._listeners[address].accept()
            except OSError:
                return
            self.met[address] += 1
            args = (peer, address)
            threading.Thread(target=self._serve, args=args, daemon=True).start()

    def _serve(self, peer: socket.socket, address: str) -> None:
        peer.settimeout(10)
        with suppress(OSError), peer:
            context = self._contexts.get(address)
            if context is None:
                self.behaviours[address](peer, self._end)
                return
            with context.wrap_socket(peer, server_side=True) as wrapped:
                self.behaviours[address](wrapped, self._end)


def server_context(
    authority: Authority, names: Sequence[str], **times: timedelta
) -> ssl.SSLContext:
    """What a server needs for TLS as these names."""
    options = authority.options(*names, **times)
    assert options.privateKey is not None and options.certificate is not None
    pem = crypto.dump_privatekey(crypto.FILETYPE_PEM, options.privateKey)
    pem += crypto.dump_certificate(crypto.FILETYPE_PEM, options.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context


Answer = Callable[[dns.message.Message], bytes | None]


def answered(query: dns.message.Message) -> dns.message.Message:
    """The answer that is expected."""
    reply = dns.message.make_response(query)
    name = query.question[0].name
    reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.1"))
    return reply


def right(query: dns.message.Message) -> bytes:
    """The answer to the query."""
    return answered(query).to_wire()


def wrong_id(query: dns.message.Message) -> bytes:
    """The answer to some other query."""
    wire = right(query)
    return struct.pack("!H", query.id ^ 1) + wire[2:]


def other_name(query: dns.message.Message) -> bytes:
    """The answer to another question, under this query's id."""
    other = dns.message.make_query("other.example.net", "A", id=query.id)
    return right(other)


def refused(query: dns.message.Message) -> bytes:
    """A refusal."""
    reply = dns.message.make_response(query)
    reply.set_rcode(dns.rcode.REFUSED)
    return reply.to_wire()


def garbage(query: dns.message.Message) -> bytes:
    """Something else."""
    return struct.pack("!H", query.id) + b"\x80\0"


def silence(query: dns.message.Message) -> None:
    """Nothing."""


class NamePeers:
    """Name servers on several addresses, each with its own way to answer."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = dict(answers)
        self.port = free_port(tuple(answers))
        self._sockets = []
        for address in answers:
            own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            own.bind((address, self.port))
            self._sockets.append(own)
            args = (address, own)
            threading.Thread(target=self._run, args=args, daemon=True).start()

    def stop(self) -> None:
        """Answer no more; an empty datagram is the sign."""
        for own in self._sockets:
            with suppress(OSError):
                own.sendto(b"", own.getsockname())

    def _run(self, address: str, own: socket.socket) -> None:
        with own:
            while True:
                data, client = own.recvfrom(4096)
                if not data:
                    return
                reply = self.answers[address](dns.message.from_wire(data))
                if reply is not None:
                    own.sendto(reply, client)
