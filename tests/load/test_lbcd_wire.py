"""Tests of L{dinamed.load.lbcd_wire}."""

import struct

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.load.lbcd_wire import (
    MAX_REPLY,
    OUT,
    BadReply,
    Reply,
    Request,
    parse_reply,
)

V2_REPLY = bytes.fromhex(
    "0002123400010001 6b033a346b033c8b"
    "00000000006f006f006f000000000000"
    "43430000 0000006f000000c8"
)
V3_REPLY = bytes.fromhex(
    "0003123400010001 6b033a346b033c8b"
    "000000000025002b0014000000000000"
    "43430000 0000006f000000c8"
)
# Asked for http:80, which does not answer there.
SERVICE_REPLY = bytes.fromhex(
    "0003000700010001 6b033a346b033c8b"
    "000000000025002b0014000000000000"
    "43430001 0000006f000000c8 ffffffff00000001"
)
ERROR = bytes.fromhex("0003000700010002")

V2_REQUEST = Request(2, 0x1234)
V3_REQUEST = Request(3, 0x1234)
SERVICE_REQUEST = Request(3, 7, b"http:80")
REQUESTS = (V2_REQUEST, V3_REQUEST, SERVICE_REQUEST)


def v2_reply(
    l1: int, l5: int, l15: int, logins: int = 0, users: int = 0, length: int = 32
) -> bytes:
    """A reply of version 2; what is behind the first 32 octets is rubbish."""
    header = struct.pack("!HHHH", 2, 0x1234, 1, 1)
    body = struct.pack("!IIIHHHHHBB", 9, 9, 9, l1, l5, l15, logins, users, 1, 77)
    return (header + body).ljust(length, b"\xee")


class RequestTests(SynchronousTestCase):
    """Requests as bytes."""

    def test_v2(self) -> None:
        """Eight octets."""
        self.assertEqual(V2_REQUEST.encode().hex(), "0002123400010000")

    def test_v3(self) -> None:
        """Without names the default service is meant; they are counted and padded."""
        self.assertEqual(V3_REQUEST.encode().hex(), "0003123400010000")
        self.assertEqual(
            SERVICE_REQUEST.encode(),
            bytes.fromhex("0003000700010001") + b"http:80" + 25 * b"\0",
        )


class ReplyTests(SynchronousTestCase):
    """Replies that lbcd 3.5.2 and older ones have given."""

    def bad(self, data: bytes, request: Request) -> tuple[str, int | None]:
        """The reason and status of a refused reply."""
        error = self.assertRaises(BadReply, parse_reply, data, request)
        return str(error), error.status

    def test_v3(self) -> None:
        """Weight and increment of the default service."""
        self.assertEqual(parse_reply(V3_REPLY, V3_REQUEST), Reply(111, 200))

    def test_service(self) -> None:
        """Those of the service that was asked for; the highest weight is out."""
        self.assertEqual(
            parse_reply(SERVICE_REPLY, SERVICE_REQUEST), Reply(OUT, out=True)
        )
        well = SERVICE_REPLY[:-8] + struct.pack("!II", 3, 1)
        self.assertEqual(parse_reply(well, SERVICE_REQUEST), Reply(3, 1))

    def test_v2_of_new(self) -> None:
        """A newer lbcd puts its weight in place of the load."""
        self.assertEqual(parse_reply(V2_REPLY, V2_REQUEST), Reply(111))
        for length in (32, 44):
            reply = v2_reply(500, 500, 500, length=length)
            self.assertEqual(parse_reply(reply, V2_REQUEST), Reply(500))

    def test_v2_of_old(self) -> None:
        """An older one tells of load and users, which make the same weight."""
        for length in (32, 44):
            reply = v2_reply(33, 20, 10, logins=5, users=3, length=length)
            self.assertEqual(parse_reply(reply, V2_REQUEST), Reply(439))

    def test_v2_out(self) -> None:
        """The highest load of version 2 is out."""
        reply = v2_reply(65535, 65535, 65535, length=44)
        self.assertEqual(parse_reply(reply, V2_REQUEST), Reply(OUT, out=True))

    def test_more_users_than_logins(self) -> None:
        """Nonsense makes no negative weight."""
        reply = v2_reply(0, 0, 0, logins=1, users=2)
        self.assertEqual(parse_reply(reply, V2_REQUEST), Reply(200))

    def test_error(self) -> None:
        """A refusal has its status, and never a load."""
        self.assertEqual(
            self.bad(ERROR, SERVICE_REQUEST),
            ("does not tell of the service http:80 (status 2)", 2),
        )
        version = bytes.fromhex("0003123400010003")
        self.assertEqual(self.bad(version, V3_REQUEST), ("does not speak version 3", 3))
        self.assertEqual(self.bad(version, V2_REQUEST)[1], 3)

    def test_short(self) -> None:
        """No part of a reply is a reply."""
        for reply, request in (
            (V3_REPLY, V3_REQUEST),
            (SERVICE_REPLY, SERVICE_REQUEST),
            (v2_reply(1, 2, 3), V2_REQUEST),
        ):
            for length in range(len(reply)):
                self.assertIs(self.bad(reply[:length], request)[1], None)
            self.bad(reply + b"\0", request)

    def test_not_ours(self) -> None:
        """Id, operation, version and number of services must be those asked for."""
        for place, octet in ((1, 2), (1, 4), (2, 0), (3, 0x35), (5, 2), (35, 1)):
            changed = bytearray(V3_REPLY)
            changed[place] = octet
            self.assertIs(self.bad(bytes(changed), V3_REQUEST)[1], None)
        self.assertEqual(self.bad(V2_REPLY, V3_REQUEST), ("a reply of version 2", None))

    def test_reflected(self) -> None:
        """Our own requests are no replies."""
        for request in REQUESTS:
            self.assertIs(self.bad(request.encode(), request)[1], None)

    @given(st.binary(max_size=MAX_REPLY + 4), st.sampled_from(REQUESTS), st.booleans())
    def test_anything(self, data: bytes, request: Request, ours: bool) -> None:
        """Octets of any kind are a sound reply or a L{BadReply}."""
        if ours:
            header = struct.pack("!HHHH", request.version, request.id, 1, 1)
            data = header + data[8:]
        try:
            reply = parse_reply(data, request)
        except BadReply as error:
            self.assertTrue(str(error))
        else:
            self.assertGreaterEqual(len(data), 32)
            self.assertTrue(0 <= reply.weight <= OUT)
            self.assertEqual(reply.out, reply.weight == OUT)
