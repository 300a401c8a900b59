"""HTTP/1.1 as much as a check needs: a request as bytes, and a strict reader.

The reader takes what arrives piece by piece and keeps no more than it has use for;
what breaks the grammar ends it (RFC 9112 sections 4 to 7).
"""

import re
from enum import Enum, auto

MAX_HEAD = 32768  # octets of status lines, header fields and chunk lines together

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: [^\x00\r]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r]*)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r]*)?")


class BadMessage(ValueError):  # noqa: N818
    """The peer does not speak HTTP; the message says where it fails."""


class _State(Enum):
    STATUS = auto()
    FIELDS = auto()
    SIZED = auto()  # a body of known length, or one chunk
    CHUNK = auto()  # the line before a chunk
    CHUNK_END = auto()
    UNTIL_END = auto()
    DONE = auto()


def build_request(
    method: str, target: str, host: str, headers: tuple[tuple[str, str], ...]
) -> bytes:
    """A request without a body that asks the peer to close after its response."""
    named = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    if "user-agent" not in named:
        lines.append("User-Agent: dinamed")
    if "accept" not in named:
        lines.append("Accept: */*")
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


class ResponseReader:
    """Reads one response.

    `body_limit` is how many octets of the body are wanted; 0 means that the header
    is enough.  `done` is set as soon as nothing more is needed; `rest` then says how
    many octets the peer goes on with, None if it has not told.  `encoding` is how the
    body is packed; empty: not at all.
    """

    def __init__(self, *, body_limit: int) -> None:
        self.done = False
        self.status = 0
        self.encoding = b""
        self.rest: int | None = None
        self.body = bytearray()
        self._limit = body_limit
        self._state = _State.STATUS
        self._buffer = bytearray()
        self._searched = 0
        self._head = 0
        self._left = 0
        self._length: int | None = None
        self._codings: list[bytes] = []

    @property
    def packed(self) -> str:
        """Why the body can't be read as it is; "" if it can."""
        if self.encoding in (b"", b"identity"):
            return ""
        coding = self.encoding.decode("latin-1")[:40]
        return f"the body is packed by {coding}, which was not asked for"

    def feed(self, data: bytes) -> bool:
        """Take what has arrived; whether the response is done.

        @raise BadMessage: it is not HTTP, or its header is too long.
        """
        self._buffer += data
        while not self.done and self._step():
            pass
        return self.done

    def end(self) -> None:
        """Take that the peer has closed.

        @raise BadMessage: the response was not complete.
        """
        if self._state is _State.UNTIL_END:
            self._finish()
        if self.done:
            return
        if self._state is _State.STATUS:
            raise BadMessage("closed without a response")
        raise BadMessage("closed in the middle of the response")

    def _step(self) -> bool:
        """Go on by one line or piece of body; False when more must arrive first."""
        if self._state in (_State.SIZED, _State.UNTIL_END):
            return self._take_body()
        line = self._line()
        if line is None:
            return False
        match self._state:
            case _State.STATUS:
                self._status_line(line)
            case _State.FIELDS:
                self._field(line) if line else self._header_done()
            case _State.CHUNK:
                self._chunk_line(line)
            case _State.CHUNK_END:
                if line:
                    raise BadMessage("a chunk is longer than it says")
                self._state = _State.CHUNK
        return True

    def _line(self) -> bytes | None:
        """The next line without its end; a bare LF ends one too (section 2.2)."""
        end = self._buffer.find(b"\n", self._searched)
        length = len(self._buffer) if end < 0 else end + 1
        if self._head + length > MAX_HEAD:
            raise BadMessage(f"more than {MAX_HEAD} octets of header")
        if end < 0:
            self._searched = length
            return None
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        self._searched = 0
        self._head += length
        return line

    def _status_line(self, line: bytes) -> None:
        match = _STATUS.fullmatch(line)
        if match is None:
            raise BadMessage("the answer is not HTTP")
        self.status = int(match[1])
        self._state = _State.FIELDS

    def _field(self, line: bytes) -> None:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise BadMessage("a malformed header field")
        name, value = match[1].lower(), match[2].strip()
        if name == b"content-length":
            if not value.isdigit() or len(value) > 18:
                raise BadMessage("a malformed Content-Length")
            if self._length not in (None, int(value)):
                raise BadMessage("two lengths of one body")
            self._length = int(value)
        elif name == b"content-encoding":
            self.encoding = value.lower()
        elif name == b"transfer-encoding":
            self._codings += [one.strip().lower() for one in value.split(b",")]

    def _header_done(self) -> None:
        if 100 <= self.status < 200 and self.status != 101:  # an interim response
            self._state = _State.STATUS
            self._length, self._codings, self.encoding = None, [], b""
        elif not self._limit or self.status in (101, 204, 304):
            self._finish()
        elif self._codings:
            if self._codings != [b"chunked"]:
                raise BadMessage("a transfer coding that was not asked for")
            self._state = _State.CHUNK
        elif self._length is None:
            self._state = _State.UNTIL_END
        else:
            self._begin(self._length)

    def _begin(self, length: int) -> None:
        self._left = length
        self._state = _State.SIZED
        if not length:
            self._piece_done()

    def _take_body(self) -> bool:
        if not self._buffer:
            return False
        length = min(len(self._buffer), self._limit - len(self.body))
        if self._state is _State.SIZED:
            length = min(length, self._left)
            self._left -= length
        self.body += self._buffer[:length]
        del self._buffer[:length]
        if len(self.body) == self._limit:
            self._finish()
        elif self._state is _State.SIZED and not self._left:
            self._piece_done()
        return True

    def _piece_done(self) -> None:
        if self._codings:
            self._state = _State.CHUNK_END
        else:
            self._finish()

    def _chunk_line(self, line: bytes) -> None:
        match = _CHUNK.fullmatch(line)
        if match is None:
            raise BadMessage("a malformed chunk")
        length = int(match[1], 16)
        if length:
            self._begin(length)
        else:
            self._finish()  # the trailers are of no interest
            self.rest = 0

    def _finish(self) -> None:
        self._state = _State.DONE
        if self.status in (101, 204, 304):
            self.rest = 0
        elif self._length is not None and not self._codings:
            self.rest = max(0, self._length - len(self.body) - len(self._buffer))
        self._buffer.clear()
        self.done = True
