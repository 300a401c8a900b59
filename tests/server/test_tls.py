"""Tests for DNS over TLS, with OpenSSL as the client."""

import contextlib
import os
import socket
from typing import Any

import dns.message
from OpenSSL import SSL
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from dinamed.config.limits import Limits
from dinamed.server.authority import Authority
from dinamed.server.resolver import EngineResolver
from dinamed.server.sockets import bind_tls
from dinamed.server.stream import StreamFactory
from dinamed.server.tls import (
    Certificates,
    CertificateService,
    TlsError,
    TlsService,
    certificates_of,
)
from tests.health.certificates import key_and_certificate
from tests.server.support import (
    CONFIG,
    QUESTION,
    authority_of,
    captured,
    frame,
    load_config,
)

TLS = """
tls = ["127.0.0.1:0"]
certificate = "cert.pem"
key = "key.pem"
"""


class Client:
    """A TLS client that blocks; for threads."""

    def __init__(self, port: int, *alpn: bytes, newest: int = 0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 5)
        self._socket.settimeout(None)
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        if newest:
            context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
            context.set_max_proto_version(newest)
        if alpn:
            context.set_alpn_protos(list(alpn))
        self._tls = SSL.Connection(context, self._socket)
        self._tls.set_connect_state()
        try:
            self._tls.do_handshake()
        except SSL.Error:
            self.close()
            raise

    @property
    def alpn(self) -> bytes:
        """The protocol that was agreed on."""
        return self._tls.get_alpn_proto_negotiated()

    @property
    def version(self) -> str:
        """The version of TLS."""
        return self._tls.get_protocol_version_name()

    @property
    def serial(self) -> int:
        """That of the server's certificate."""
        certificate = self._tls.get_peer_certificate(as_cryptography=True)
        assert certificate is not None
        return certificate.serial_number

    def ask(self, *messages: bytes) -> list[bytes]:
        """Send some queries at once, and read as many replies."""
        self._tls.sendall(b"".join(map(frame, messages)))
        replies = []
        for _ in messages:
            size = int.from_bytes(self._read(2))
            replies.append(self._read(size))
        return replies

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self._tls.recv(size - len(data))
        return data

    def send(self, data: bytes) -> None:
        """Send octets, as far as they are wanted."""
        with contextlib.suppress(SSL.Error):
            self._tls.sendall(data)

    def ends(self) -> bool:
        """Whether the server closes the connection."""
        try:
            return self._tls.recv(1) == b""
        except SSL.Error:
            return True

    def close(self) -> None:
        """Close without ceremony."""
        self._socket.close()


def is_cut_off(raw: socket.socket) -> bool:
    """Whether the other side closes, after whatever alert it sends."""
    with contextlib.suppress(ConnectionError):
        while raw.recv(100):
            continue
    return True


class TlsTests(TestCase):
    """A service on the reactor."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.folder = self.mktemp()
        os.mkdir(self.folder)
        self.write_pair()
        config = CONFIG.replace("[server]", f"[server]{TLS}")
        self.authority: Authority = authority_of(load_config(self.folder, config))

    def write_pair(self) -> None:
        """A new key and certificate."""
        key, certificate = key_and_certificate("ns1.example.org")
        for name, data in (("key.pem", key), ("cert.pem", certificate)):
            path = os.path.join(self.folder, name)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.truncate(0)
                file.write(data)

    async def serve(self, limits: Limits | None = None) -> tuple[Certificates, int]:
        """Serve on a free port until the end of the test."""
        server = self.authority.loaded.settings.server
        certificates = certificates_of(server)
        assert certificates is not None
        resolver = EngineResolver(self.authority.engine)
        self.streams = StreamFactory(resolver, self.reactor, limits)
        sockets = bind_tls(server.tls)
        service = TlsService(self.reactor, self.streams, certificates, sockets)
        service.startService()

        async def stop() -> None:
            await service.stopService()
            await self.streams.close(0.1)

        self.addCleanup(lambda: self._ended(stop))
        return certificates, sockets[0][0].port

    def _ended(self, stop: Any) -> Any:
        from twisted.internet.defer import ensureDeferred

        return ensureDeferred(stop())

    async def client(self, port: int, *alpn: bytes) -> Client:
        """A client, closed at the end of the test."""
        client: Client = await deferToThread(Client, port, *alpn)
        self.addCleanup(client.close)
        return client

    async def test_queries(self) -> None:
        """Several at once on one connection, as over TCP; TLS 1.3 where both can."""
        _, port = await self.serve()
        client = await self.client(port)
        replies = await deferToThread(client.ask, *[QUESTION] * 20)
        answers = {dns.message.from_wire(r).answer[0][0].to_text() for r in replies}
        self.assertEqual(answers, {"192.0.2.80"})
        self.assertEqual(client.version, "TLSv1.3")
        self.assertEqual(self.streams.open_connections, 1)

    async def test_alpn(self) -> None:
        """`dot` is agreed on; who offers none, or others, is served without."""
        _, port = await self.serve()
        for offered, agreed in (
            ((b"dot",), b"dot"),
            ((b"h2", b"dot"), b"dot"),
            ((), b""),
            ((b"h2",), b""),
        ):
            client = await self.client(port, *offered)
            self.assertEqual(client.alpn, agreed)
            (reply,) = await deferToThread(client.ask, QUESTION)
            self.assertEqual(len(dns.message.from_wire(reply).answer), 1)

    async def test_old_versions(self) -> None:
        """TLS 1.1 is refused, 1.2 is not."""
        _, port = await self.serve()
        with self.assertRaises(SSL.Error):
            await deferToThread(Client, port, newest=SSL.TLS1_1_VERSION)
        client = await deferToThread(Client, port, newest=SSL.TLS1_2_VERSION)
        self.addCleanup(client.close)
        self.assertEqual(client.version, "TLSv1.2")

    async def test_limits(self) -> None:
        """The caps of TCP count connections over TLS."""
        _, port = await self.serve(Limits(tcp_connections=1))
        first = await self.client(port)
        second = await self.client(port)
        self.assertTrue(await deferToThread(first.ends))
        self.assertEqual(len(await deferToThread(second.ask, QUESTION)), 1)

    async def test_no_handshake(self) -> None:
        """A peer that says nothing, or nonsense, is cut off."""
        _, port = await self.serve(Limits(tcp_idle=1))
        for said in (b"", b"GET / HTTP/1.0\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", port), 5) as raw:
                raw.sendall(said)
                self.assertTrue(await deferToThread(is_cut_off, raw))

    async def test_no_dns(self) -> None:
        """What gets no answer ends the connection, as soon as the peer agrees."""
        _, port = await self.serve()
        client = await self.client(port)
        self.assertEqual(self.streams.open_connections, 1)
        await deferToThread(client.send, frame(b"no DNS") + bytes(200_000))
        self.assertTrue(await deferToThread(client.ends))
        client.close()
        for _ in range(200):
            if not self.streams.open_connections:
                break
            await deferLater(self.reactor, 0.01)
        self.assertEqual(self.streams.open_connections, 0)

    async def test_stop(self) -> None:
        """An idle client that closes when it is told to does not hold up the end."""
        _, port = await self.serve()
        client = await self.client(port)
        await deferToThread(client.ask, QUESTION)
        closed = self.streams.close(60)
        self.assertTrue(await deferToThread(client.ends))
        client.close()
        await closed

    async def test_new_certificate(self) -> None:
        """New files are used for new connections; what is bad changes nothing."""
        events = captured(self)
        certificates, port = await self.serve()
        service = CertificateService(self.reactor, self.authority, certificates)
        client = await self.client(port)
        service.look()
        self.write_pair()
        service.look()
        service.look()
        other = await self.client(port)
        self.assertNotEqual(client.serial, other.serial)
        self.assertEqual(len(await deferToThread(client.ask, QUESTION)), 1)
        key, _ = key_and_certificate("ns1.example.org")
        with open(os.path.join(self.folder, "key.pem"), "wb") as file:
            file.write(key)
        service.look()
        service.look()
        third = await self.client(port)
        self.assertEqual(third.serial, other.serial)
        formats = [str(event["log_format"]) for event in events]
        self.assertEqual(formats.count("TLS has a new certificate"), 1)
        self.assertIn("the certificate stays as it was: {why}", formats)
        self.assertNotIn("PRIVATE", repr(events))


class OtherTests(TestCase):
    """Without connections."""

    def test_unusable(self) -> None:
        """Files that are not there or hold something else are one clear message."""
        with self.assertRaises(TlsError) as caught:
            Certificates("/nonexistent.pem", "/nonexistent.key")
        self.assertIn("No such file", str(caught.exception))
