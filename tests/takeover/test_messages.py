"""Tests for the frames between the two processes."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.takeover.messages import (
    HEAD,
    MAX_FRAME,
    VERSION,
    Built,
    Failed,
    Frames,
    Go,
    Last,
    Moved,
    Offer,
    Offered,
    ProtocolError,
    Ready,
    decode,
    encode,
)
from dinamed.takeover.state import TakeoverState

MESSAGES = [
    Offer(VERSION, (Offered("udp", "192.0.2.1", 53, 2),), "/run/pid"),
    Built(),
    Failed("why"),
    Go(TakeoverState(started=1.5, questions=7, counts=[("z.", 1, 0, False, 7)])),
    Ready(4711, "one zone"),
    Moved(2, b"\0\1"),
    Last(TakeoverState()),
]


class FrameTests(SynchronousTestCase):
    """Messages to octets and back."""

    @settings(deadline=None)
    @given(st.lists(st.sampled_from(MESSAGES)), st.integers(1, 40))
    def test_pieces(self, messages: list[Built], size: int) -> None:
        """However the octets are cut, the messages are the same."""
        data = b"".join(map(encode, messages))
        frames = Frames()
        found = [
            message
            for start in range(0, len(data), size)
            for message, descriptors in frames.take(data[start : start + size])
            if descriptors == []
        ]
        self.assertEqual(found, messages)

    def test_descriptors(self) -> None:
        """Each message has those that came with it."""
        frames = Frames()
        for number in (5, 6, 7):
            frames.take_descriptor(number)
        data = encode(Moved(2), 1) + encode(Built()) + encode(Moved(10), 2)
        found = [descriptors for _, descriptors in frames.take(data)]
        self.assertEqual(found, [[5], [], [6, 7]])
        with self.assertRaises(ProtocolError):
            list(frames.take(encode(Moved(2), 1)))

    def test_other_versions(self) -> None:
        """What a later version says besides is passed over."""
        body = msgspec.msgpack.encode({"type": "ready", "pid": 7, "mood": "fine"})
        self.assertEqual(decode(body), Ready(7))

    def test_nonsense(self) -> None:
        """What is no message is an error, and so is what would fill the memory."""
        for body in (b"", b"\xc1", msgspec.msgpack.encode({"type": "hello"})):
            with self.assertRaises(ProtocolError):
                decode(body)
        with self.assertRaises(ProtocolError):
            list(Frames().take(HEAD.pack(MAX_FRAME + 1, 0)))
