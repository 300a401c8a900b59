"""The `http` and `https` checks against real and hostile peers."""

from typing import Any, cast

from OpenSSL import SSL
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from dinamed.config.checks import HttpCheck, HttpsCheck
from dinamed.health.connection import CLOSING
from dinamed.health.http import HttpProbe
from dinamed.health.results import PASSED, ProbeTarget, Result
from tests.health.certificates import DAY, Authority
from tests.health.support import (
    LOCAL,
    Answer,
    Flood,
    Peer,
    Script,
    half_reactor,
    real,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def answer(status: int, more: bytes = b"") -> bytes:
    """A response without a body."""
    return b"HTTP/1.1 %d Such\r\n%sContent-Length: 0\r\n\r\n" % (status, more)


class Served(TestCase):
    """Base of tests with a scripted server."""

    timeout = 20

    def serve(self, script: Script, options: CertificateOptions | None = None) -> str:
        """Run a server; its URL by address."""
        if options is None:
            port: IListeningPort = real.listenTCP(0, script, interface="127.0.0.1")
        else:
            port = real.listenSSL(0, script, options, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        number = cast(int, port.getHost().port)  # type: ignore[attr-defined]
        return f"http{'' if options is None else 's'}://{{address}}:{number}"

    def probe(self, check: HttpCheck, target: ProbeTarget = LOCAL) -> Deferred[Result]:
        """Probe; time goes by `self.clock`."""
        reactor, self.clock = half_reactor()
        return HttpProbe(reactor, check).probe(target)


class HttpTests(Served):
    """Plain HTTP."""

    async def test_passes(self) -> None:
        """A 200 passes, and the request is as it should be."""
        script = Answer(OK)
        url = self.serve(script)
        check = HttpCheck(url=url + "/up/{name}?a={address}")
        self.assertEqual(await self.probe(check), PASSED)
        host = url.removeprefix("http://").replace("{address}", "127.0.0.1")
        heard = (await script.lost).decode().split("\r\n")
        self.assertEqual(heard[0], "GET /up/fra1?a=127.0.0.1 HTTP/1.1")
        self.assertEqual(heard[1], f"Host: {host}")
        self.assertIn("Connection: close", heard)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_pinned(self) -> None:
        """The connection goes to the member, whatever host the URL names."""
        script = Answer(OK)
        port = self.serve(script).rpartition(":")[2]
        check = HttpCheck(url=f"http://nowhere.invalid:{port}/", headers=(("X", "y"),))
        self.assertEqual(await self.probe(check), PASSED)
        heard = await script.lost
        self.assertIn(b"\r\nHost: nowhere.invalid:%s\r\n" % port.encode(), heard)
        self.assertIn(b"\r\nX: y\r\n", heard)

    async def test_host(self) -> None:
        """The Host line may be set."""
        script = Answer(OK)
        check = HttpCheck(url=self.serve(script), host="{name}.example.org")
        self.assertEqual(await self.probe(check), PASSED)
        self.assertIn(b"\r\nHost: fra1.example.org\r\n", await script.lost)

    def test_host_of_v6(self) -> None:
        """An IPv6 address stands in brackets."""
        reactor, _ = half_reactor()
        probe = HttpProbe(reactor, HttpCheck(url="http://{address}:81/"))
        self.assertEqual(
            probe.host(ProbeTarget("2001:db8::1", "x")), "[2001:db8::1]:81"
        )

    async def test_codes(self) -> None:
        """Only the codes that are asked for pass; a redirect is not followed."""
        for status, codes, reason in (
            (503, ((200, 200),), "status 503"),
            (302, ((200, 200),), "status 302"),
            (302, ((200, 200), (300, 399)), ""),
            (404, ((404, 404),), ""),
        ):
            script = Answer(answer(status, b"Location: http://127.0.0.1:1/\r\n"))
            check = HttpCheck(url=self.serve(script), codes=codes)
            result = await self.probe(check)
            self.assertEqual(result, Result(not reason, reason))
            await script.lost

    async def test_body(self) -> None:
        """The body is searched."""
        for body, reason in (
            ("h.l+o$", ""),
            ("^ello", "the body has no match of the pattern"),
        ):
            script = Answer(OK)
            result = await self.probe(HttpCheck(url=self.serve(script), body=body))
            self.assertEqual(result, Result(not reason, reason))
            await script.lost

    async def test_head(self) -> None:
        """HEAD has no body to wait for."""
        script = Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
        check = HttpCheck(url=self.serve(script), method="HEAD")
        self.assertEqual(await self.probe(check), PASSED)
        self.assertTrue((await script.lost).startswith(b"HEAD / HTTP/1.1\r\n"))

    async def test_closes_early(self) -> None:
        """A peer that closes early ends the check at once, wherever it does."""
        for said, reason in (
            (b"", "closed without a response"),
            (b"HTTP/1.1 2", "closed without a response"),
            (b"HTTP/1.1 200 OK\r\nA", "closed in the middle of the response"),
            (OK[:-1], "closed in the middle of the response"),
        ):
            script = Answer(said, close=True)
            result = await self.probe(HttpCheck(url=self.serve(script), body="x"))
            self.assertEqual(result, Result(False, reason))
            self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_not_http(self) -> None:
        """Something else than HTTP is told as such."""
        script = Answer(b"SSH-2.0-OpenSSH\r\n")
        result = await self.probe(HttpCheck(url=self.serve(script)))
        self.assertEqual(result, Result(False, "the answer is not HTTP"))
        await script.lost

    async def test_silent(self) -> None:
        """A peer that never answers is given up at the limit."""
        script = Script()
        waiting = self.probe(HttpCheck(url=self.serve(script), timeout=2))
        await script.met
        self.clock.advance(2)
        self.assertIn("no answer in 2 s", (await waiting).reason)
        await script.lost

    async def test_drips(self) -> None:
        """Drops do not put off the limit."""
        script = Script()
        waiting = self.probe(HttpCheck(url=self.serve(script), timeout=2))
        peer = await script.met
        for drop in (b"H", b"T"):
            self.clock.advance(0.9)
            peer.transport.write(drop)  # type: ignore[union-attr]
            self.assertNoResult(waiting)
        self.clock.advance(0.2)
        self.assertFalse((await waiting).ok)
        await script.lost

    async def test_flood(self) -> None:
        """An endless body or header is cut where it exceeds its limit."""
        for first, ok in (
            (b"HTTP/1.1 200 OK\r\n\r\n", True),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n", True),
            (b"HTTP/1.1 200 OK\r\nX: ", False),
            (b"", False),
        ):
            script = Flood(first)
            result = await self.probe(HttpCheck(url=self.serve(script), body="x"))
            self.assertIs(result.ok, ok, result.reason)
            await script.lost
            self.assertLess(script.sent, 20_000_000)  # what the system's buffers take

    async def test_cancel(self) -> None:
        """To cancel frees the connection and the timer."""
        script = Script()
        waiting = self.probe(HttpCheck(url=self.serve(script)))
        await script.met
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        await script.lost
        self.assertEqual(self.clock.getDelayedCalls(), [])


class Ending(Answer):
    """Sends the body after the header, and notes how the connection ends."""

    def __init__(self, head: bytes, rest: bytes) -> None:
        super().__init__(head)
        self._rest = rest
        self.end: Deferred[str] = Deferred()

    def buildProtocol(self, addr: object) -> Peer:
        """Make a protocol that notes why it ends."""
        script = self

        class Noting(Peer):
            def connectionLost(self, reason: Any = None) -> None:
                super().connectionLost(reason)
                script.end.callback(reason.type.__name__)

        return Noting(self)

    def said(self, peer: Peer, data: bytes) -> None:
        """Answer in two pieces."""
        super().said(peer, data)
        real.callLater(0.02, lambda: peer.transport.write(self._rest))  # type: ignore[union-attr]


class EndTests(Served):
    """How connections end: not by a reset where that can be helped."""

    async def test_orderly(self) -> None:
        """The rest of a response is read, whatever it is that mattered."""
        length = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for head, rest, body, ok in (
            (length, b"0123456789", None, True),
            (length + b"01234", b"56789", None, True),
            (length + b"01234", b"56789", "x", False),
            (length.replace(b"200", b"503"), b"0123456789", None, False),
            (chunked, b"1\r\na\r\n0\r\n\r\n", "a", True),
        ):
            script = Ending(head, rest)
            check = HttpCheck(url=self.serve(script), body=body, timeout=9)
            self.assertIs((await self.probe(check)).ok, ok)
            self.assertEqual(await script.end, "ConnectionDone", head)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_kept_open(self) -> None:
        """A peer that neither tells a length nor closes keeps us for a moment only."""
        script = Answer(b"HTTP/1.1 200 OK\r\n\r\n")
        waiting = self.probe(HttpCheck(url=self.serve(script), timeout=9))
        await script.met
        while self.clock.getDelayedCalls()[0].getTime() != CLOSING:
            await deferLater(real, 0.01)
        self.clock.advance(CLOSING)
        self.assertEqual(await waiting, PASSED)
        await script.lost

    async def test_packed(self) -> None:
        """A pattern is not looked for in a body that is packed."""
        script = Answer(answer(200, b"Content-Encoding: br\r\n"))
        result = await self.probe(HttpCheck(url=self.serve(script), body="x"))
        self.assertEqual(
            result.reason, "the body is packed by br, which was not asked for"
        )
        script = Answer(answer(200, b"Content-Encoding: gzip\r\n"))
        self.assertEqual(await self.probe(HttpCheck(url=self.serve(script))), PASSED)


class HttpsTests(Served):
    """HTTP over TLS."""

    def setUp(self) -> None:
        """Make an authority, and its file."""
        self.authority = Authority()
        self.ca = self.mktemp()
        with open(self.ca, "wb") as file:
            file.write(self.authority.pem)

    async def outcome(self, options: CertificateOptions, **more: object) -> str:
        """The reason with which a check fails against that server; "" if it passes."""
        script = Answer(OK)
        more.setdefault("ca", self.ca)
        check = HttpsCheck(url=self.serve(script, options), **more)  # type: ignore
        result = await self.probe(check)
        await script.lost
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertIs(result.ok, not result.reason)
        return result.reason

    async def test_address(self) -> None:
        """A certificate for the member's address passes."""
        options = self.authority.options("127.0.0.1")
        self.assertEqual(await self.outcome(options, body="hello"), "")

    async def test_names(self) -> None:
        """The certificate is held against `host`, or `server_name` before that."""
        options = self.authority.options("*.example.org")
        for keys in (
            {"host": "{name}.example.org"},
            {"host": "{name}.example.org:8443"},
            {"server_name": "{name}.example.org"},
            {"host": "other.example.net", "server_name": "www.example.org"},
        ):
            self.assertEqual(await self.outcome(options, **keys), "", keys)

    async def test_wrong_name(self) -> None:
        """A certificate for someone else is refused."""
        options = self.authority.options("www.example.net", "127.0.0.2")
        self.assertEqual(
            await self.outcome(options),
            "certificate refused: it is not for 127.0.0.1",
        )
        self.assertEqual(
            await self.outcome(options, server_name="www.example.org"),
            "certificate refused: it is not for www.example.org",
        )

    async def test_time(self) -> None:
        """So is one that has expired, or is not valid yet."""
        options = self.authority.options("127.0.0.1", begins=-2 * DAY, ends=-DAY)
        self.assertEqual(
            await self.outcome(options), "certificate refused: it has expired"
        )
        options = self.authority.options("127.0.0.1", begins=DAY, ends=2 * DAY)
        self.assertEqual(
            await self.outcome(options), "certificate refused: it is not valid yet"
        )

    async def test_stranger(self) -> None:
        """So is one of an authority that is not trusted."""
        options = Authority().options("127.0.0.1")
        self.assertIn("certificate refused: ", await self.outcome(options))
        options = self.authority.options("127.0.0.1")
        self.assertIn("certificate refused: ", await self.outcome(options, ca=None))

    async def test_unverified(self) -> None:
        """Without verification any certificate will do."""
        options = Authority().options("example.net", begins=-2 * DAY, ends=-DAY)
        self.assertEqual(await self.outcome(options, verify=False, ca=None), "")

    async def test_sni(self) -> None:
        """The name is sent, an address is not."""
        seen: list[bytes | None] = []
        options = self.authority.options("www.example.org", "127.0.0.1")

        def note(connection: SSL.Connection) -> None:
            seen.append(connection.get_servername())

        options.getContext().set_tlsext_servername_callback(note)
        await self.outcome(options, host="www.example.org")
        await self.outcome(options)
        self.assertEqual(seen[0], b"www.example.org")
        self.assertNotIn(b"127.0.0.1", seen)

    async def test_plain_peer(self) -> None:
        """A peer that does not speak TLS is told as such."""
        script = Answer(answer(200))
        url = self.serve(script).replace("http:", "https:")
        result = await self.probe(HttpsCheck(url=url, ca=self.ca))
        self.assertTrue(result.reason.startswith("TLS: "), result.reason)
        await script.lost

    async def test_silent_handshake(self) -> None:
        """A peer that never shakes hands is given up at the limit."""
        script = Script()
        url = self.serve(script).replace("http:", "https:")
        waiting = self.probe(HttpsCheck(url=url, ca=self.ca))
        await script.met
        self.clock.advance(5)
        self.assertFalse((await waiting).ok)
        await script.lost
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_bad_name(self) -> None:
        """A member's name that makes no host name fails its check, nothing else."""
        check = HttpsCheck(url="https://{name}.example.org/", ca=self.ca)
        result = self.successResultOf(
            self.probe(check, ProbeTarget("127.0.0.1", "a/b"))
        )
        self.assertIn("not an address or a host name", result.reason)

    def test_bad_authorities(self) -> None:
        """Files without certificates are refused with the reason."""
        path = self.mktemp()
        for content in (
            b"",
            b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----",
        ):
            with open(path, "wb") as file:
                file.write(content)
            check = HttpsCheck(url="https://{address}/", ca=path)
            reactor, _ = half_reactor()
            self.assertRaises(ValueError, HttpProbe, reactor, check)
