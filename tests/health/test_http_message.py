"""HTTP as octets."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.health.http_message import (
    MAX_HEAD,
    BadMessage,
    ResponseReader,
    build_request,
)

OK = b"HTTP/1.1 200 OK\r\n"


def read(data: bytes, limit: int = 1000, pieces: list[int] | None = None) -> bytes:
    """The body of a response that arrives in pieces of these lengths and then ends."""
    reader = ResponseReader(body_limit=limit)
    for length in pieces or []:
        if reader.feed(data[:length]):
            return bytes(reader.body)
        data = data[length:]
    if not reader.feed(data):
        reader.end()
    return bytes(reader.body)


class RequestTests(SynchronousTestCase):
    """What is asked."""

    def test_request(self) -> None:
        """A request with its own headers between ours."""
        self.assertEqual(
            build_request("GET", "/x?y", "h:81", (("Accept", "text/plain"),)),
            b"GET /x?y HTTP/1.1\r\nHost: h:81\r\nUser-Agent: dinamed\r\n"
            b"Accept: text/plain\r\nConnection: close\r\n\r\n",
        )


class ResponseTests(SynchronousTestCase):
    """What is answered."""

    def test_lengths(self) -> None:
        """A body by its length, by the end, and in chunks."""
        for head, body in (
            (b"Content-Length: 5\r\n\r\n", b"helloxxx"),
            (b"content-length:5\r\nContent-Length: 5 \r\n\r\n", b"hello"),
            (b"\r\n", b"hello"),
            (b"\n", b"hello"),
            (
                b"Transfer-Encoding: Chunked\r\n\r\n",
                b"2\r\nhe\r\n003;a=b\r\nllo\r\n0\r\nX: y\r\n\r\n",
            ),
        ):
            self.assertEqual(read(OK + head + body), b"hello", head)

    def test_no_body(self) -> None:
        """These responses end with their header."""
        for status in (b"204 None", b"304 Same", b"101 Switch"):
            reader = ResponseReader(body_limit=9)
            head = b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n"
            self.assertTrue(reader.feed(head))

    def test_header_is_enough(self) -> None:
        """Without need of a body the header ends it."""
        reader = ResponseReader(body_limit=0)
        self.assertTrue(reader.feed(b"HTTP/1.0 503\r\nContent-Length: 5\r\n\r\n"))
        self.assertEqual(reader.status, 503)

    def test_interim(self) -> None:
        """Interim responses go before the one that counts (RFC 9110 section 15.2)."""
        data = (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nContent-Length: 9\r\n\r\n"
        )
        self.assertEqual(read(data + OK + b"Content-Length: 2\r\n\r\nhi"), b"hi")

    def test_body_limit(self) -> None:
        """No more is kept than is wanted."""
        for head in (b"\r\n", b"Content-Length: 99999\r\n\r\n"):
            reader = ResponseReader(body_limit=10)
            self.assertTrue(reader.feed(OK + head + b"x" * 5000))
            self.assertEqual(bytes(reader.body), b"x" * 10)
        reader = ResponseReader(body_limit=10)
        chunk = b"ffffff\r\n" + b"x" * 50
        self.assertTrue(reader.feed(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk))

    def test_refused(self) -> None:
        """What breaks the grammar, or ends too early, is told."""
        for data, words in (
            (b"", "without a response"),
            (b"SSH-2.0-x\r\n", "not HTTP"),
            (b"HTTP/2 200 OK\r\n", "not HTTP"),
            (b"HTTP/1.1 99 x\r\n", "not HTTP"),
            (b"HTTP/1.1 2000 x\r\n", "not HTTP"),
            (OK, "in the middle"),
            (OK + b"Content-Length: 5\r\n\r\nhell", "in the middle"),
            (OK + b"no colon\r\n\r\n", "malformed header"),
            (OK + b"A: b\r\n folded\r\n\r\n", "malformed header"),
            (OK + b"Content-Length: -1\r\n\r\n", "Content-Length"),
            (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "two lengths"),
            (OK + b"Transfer-Encoding: gzip\r\n\r\n", "transfer coding"),
            (OK + b"Transfer-Encoding: chunked\r\n\r\nz\r\n", "malformed chunk"),
            (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n", "longer than"),
            (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", "in the middle"),
        ):
            with self.assertRaises(BadMessage) as caught:
                read(data)
            self.assertIn(words, str(caught.exception), data)

    def test_endless_header(self) -> None:
        """A header without end is cut, in one line, many, or many responses."""
        for data in (
            b"x" * (MAX_HEAD + 1),
            OK + b"A: b\r\n" * MAX_HEAD,
            b"HTTP/1.1 100 C\r\n\r\n" * MAX_HEAD,
        ):
            reader = ResponseReader(body_limit=10)
            self.assertRaises(BadMessage, reader.feed, data)

    @given(st.data(), st.lists(st.integers(1, 9), max_size=30))
    def test_pieces(self, data: st.DataObject, pieces: list[int]) -> None:
        """It is all the same how a response is cut into pieces."""
        whole = data.draw(
            st.sampled_from(
                [
                    OK + b"Content-Length: 5\r\n\r\nhello",
                    OK + b"A: b\r\n\r\nhello",
                    OK + b"Transfer-Encoding: chunked\r\n\r\n"
                    b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
                ]
            )
        )
        self.assertEqual(read(whole, pieces=pieces), b"hello")

    @given(st.lists(st.binary(max_size=40), max_size=20), st.integers(0, 20))
    def test_noise(self, pieces: list[bytes], limit: int) -> None:
        """Whatever comes is either read or refused, and never kept beyond bounds."""
        reader = ResponseReader(body_limit=limit)
        try:
            for piece in [OK, *pieces]:
                reader.feed(piece)
            reader.end()
        except BadMessage:
            pass
        else:
            self.assertTrue(reader.done)
        self.assertLessEqual(len(reader.body), limit)
