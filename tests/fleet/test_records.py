"""Tests of `dinamed.fleet.records`."""

import contextlib
import math
import zlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.fleet.records import (
    MOST_OCTETS,
    BadRecordError,
    Codec,
    HandOuts,
    LiveRecord,
    Reports,
    SharedOrder,
    SharedReport,
    UnknownFormatError,
)
from dinamed.pools.shared import SharedHandOuts, SharedLease
from dinamed.pools.states import Order

CODEC = Codec(HandOuts)


class CodecTests(SynchronousTestCase):
    """Values as octets and back."""

    def test_round_trip(self) -> None:
        """Large values are compressed, and read all the same."""
        pools = {
            f"pool{n}": SharedHandOuts({"a": n}, (SharedLease("a", 60.0, 1.0, n),))
            for n in range(100)
        }
        value = HandOuts(now=1e9, boot=2**64 - 1, pools=pools)
        data = CODEC.pack(value)
        self.assertEqual(data[:1], b"\x78")
        self.assertEqual(CODEC.read(data), value)
        self.assertEqual(
            Codec(LiveRecord).read(Codec(LiveRecord).pack(LiveRecord())), LiveRecord()
        )

    def test_an_order(self) -> None:
        """With author, reason and end."""
        order = SharedOrder(
            now=1e9, order=Order.DRAIN, until=1e9 + 60, by="ann", reason="disk"
        )
        codec = Codec(SharedOrder)
        self.assertEqual(codec.read(codec.pack(order)), order)

    def test_unknown_fields(self) -> None:
        """A later version may say more."""
        data = msgspec.msgpack.encode({"v": 1, "now": 3.0, "news": [1, 2], "boot": 7})
        self.assertEqual(CODEC.read(data), HandOuts(now=3.0, boot=7))

    def test_unknown_format(self) -> None:
        """It is told apart from nonsense."""
        with self.assertRaises(UnknownFormatError):
            CODEC.read(msgspec.msgpack.encode({"v": 2, "boot": "other"}))

    def test_numbers_that_cannot_be(self) -> None:
        """None gets into the books."""
        for bad in (math.nan, math.inf, -5.0, 1e300):
            report = SharedReport(load=bad, at=1.0)
            data = Codec(Reports).pack(Reports(pools={"p": {"m": report}}))
            with self.assertRaises(BadRecordError):
                Codec(Reports).read(data)
        for total in (-1, -(2**63)):
            data = CODEC.pack(HandOuts(pools={"p": SharedHandOuts({"m": total})}))
            with self.assertRaises(BadRecordError):
                CODEC.read(data)

    def test_too_much(self) -> None:
        """A small value that would be a large one."""
        with self.assertRaises(BadRecordError):
            CODEC.read(zlib.compress(b"\xc0" * (MOST_OCTETS + 1)))
        with self.assertRaises(BadRecordError):
            CODEC.read(b"\xc0" * (MOST_OCTETS + 1))

    @given(st.binary(max_size=200))
    def test_anything(self, data: bytes) -> None:
        """It is a value or it is refused."""
        with contextlib.suppress(BadRecordError):
            self.assertIsInstance(CODEC.read(data), HandOuts)
