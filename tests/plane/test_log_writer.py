"""The query log that the plane writes: as Python would, octet by octet."""

import json
import os
import random
import tempfile
from itertools import product

import dns.edns
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed import __version__
from dinamed.plans.context import packed
from dinamed.plans.snapshot import Snapshot
from dinamed.querylog.dnstap import payload
from dinamed.querylog.exchange_reader import Exchange, ExchangeReader
from dinamed.querylog.frames import data
from dinamed.querylog.lines import line
from dinamed.querylog.plane_log import Outcome, PlaneLog
from tests.plane.support import BOUND, Pair, need_plane
from tests.plans.support import query

PORT = 4242
SOURCES = ("192.0.2.77", "198.51.100.9", "2001:db8::77", "2001:0:0:1::", "::", "1::8")
NAMES = (
    *(name.replace("*", "x") for name in BOUND),
    "www", "WWW", "mail", "alias", "away", "topool", "toempty", "missing", "x.wild",
    "x.star", "sub", "x.sub", "below", "many", "_sip._tcp", "x.ns1", "tocrowd",
)  # fmt: skip
TYPES = ("A", "AAAA", "TXT", "MX", "HTTPS", "TYPE65400", "SOA", "TA")
SUBNETS = (None, ("198.51.100.0", 24), ("2001:db8:7::", 48), ("0.0.0.0", 0))


def framed(message: bytes) -> bytes:
    """A message as streams have it."""
    return len(message).to_bytes(2) + message


class LogCase(SynchronousTestCase):
    """A plane without threads that notes what it answers, twice."""

    def setUp(self) -> None:
        """Make it."""
        need_plane()
        self.pair = Pair()
        self.plane = self.pair.plane
        self.plane.set_logging(1.0)
        self.plane.set_sampling(1.0)
        self.told: list[Exchange] = []
        self.log = PlaneLog(self.plane, lambda: self.snapshot)

    @property
    def snapshot(self) -> Snapshot:
        """What the engine serves."""
        return self.pair.bench.engine.snapshot

    def ask(self, message: bytes, source: str = SOURCES[0]) -> bool:
        """Have a message answered by the plane; whether it was."""
        bench = self.pair.bench
        address = packed(source)
        if self.pair.ask_plane(message, address, stream=True) is None:
            return False
        steady = bench.manager.clock.read(bench.now)
        used, _, _ = self.plane.answer_frames(
            framed(message), address, PORT, bench.now + 0.7654321, steady
        )
        return used > 0

    def written(self) -> tuple[bytes, bytes]:
        """The lines and frames of what was noted; the rest goes to `told`."""
        with tempfile.TemporaryFile() as lines, tempfile.TemporaryFile() as frames:
            while True:
                result = self.log.write([lines.fileno(), frames.fileno(), -1], 0.0)
                if result.outcome is not Outcome.EXCHANGE:
                    break
                assert result.exchange is not None
                self.told.append(result.exchange)
            self.assertIs(result.outcome, Outcome.DONE)
            lines.seek(0)
            frames.seek(0)
            return lines.read(), frames.read()

    def wanted(self) -> tuple[bytes, bytes]:
        """What Python writes of the same."""
        samples, _ = self.plane.take_samples(100_000)
        reader = ExchangeReader(self.snapshot)
        seen = [reader.see(Exchange(*sample)) for sample in samples]
        identity = self.snapshot.identity
        return (
            b"".join(map(line, seen)),
            b"".join(data(payload(one, identity, __version__)) for one in seen),
        )

    def compare(self) -> int:
        """Compare both; how many lines that were."""
        lines, frames = self.written()
        wanted_lines, wanted_frames = self.wanted()
        for one, other in zip(
            lines.splitlines(), wanted_lines.splitlines(), strict=True
        ):
            self.assertEqual(one, other)
        self.assertEqual(frames, wanted_frames)
        return len(lines.splitlines())


class AgreementTests(LogCase):
    """Every kind of answer."""

    def test_names_and_types(self) -> None:
        """Pools of each kind, aliases, static data and what there is not."""
        asked = 0
        for name, rdtype in product(NAMES, TYPES):
            asked += self.ask(query(f"{name}.example.org.", rdtype).to_wire())
            if asked % 40 == 39:
                self.compare()
        self.compare()
        self.assertGreater(asked, 250)
        self.assertEqual(self.told, [])

    def test_other_zones(self) -> None:
        """No zone, a zone inside another, the root."""
        for name in ("example.net.", ".", "www.child.example.org.", "a.b.invalid."):
            self.ask(query(name, "A").to_wire())
        self.assertEqual(self.compare(), 4)

    def test_clients(self) -> None:
        """Addresses of both families, and client subnets, with their places."""
        for source, subnet in product(SOURCES, SUBNETS):
            options = [] if subnet is None else [dns.edns.ECSOption(*subnet)]
            message = query("placed.example.org.", "A", options=options)
            self.assertTrue(self.ask(message.to_wire(), source))
        self.assertEqual(self.compare(), len(SOURCES) * len(SUBNETS))

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=3),
        st.integers(0, 65535),
        st.integers(512, 65535),
        st.booleans(),
        st.binary(min_size=16, max_size=16) | st.binary(min_size=4, max_size=4),
    )
    def test_any_name(
        self, labels: list[bytes], rdtype: int, size: int, do: bool, source: bytes
    ) -> None:
        """Odd octets in names, types without a name, every address."""
        name = b"".join(bytes((len(label),)) + label for label in labels)
        message = (
            b"\1\2\1\0\0\1\0\0\0\0\0\1" + name + b"\7example\3org\0"
            + rdtype.to_bytes(2) + b"\0\1\0\0\x29" + size.to_bytes(2)
            + bytes((0, 0, 128 * do, 0, 0, 0))
        )  # fmt: skip
        bench = self.pair.bench
        self.plane.answer_frames(framed(message), source, PORT, bench.now, 0.0)
        self.compare()

    def test_malformed(self) -> None:
        """What is malformed has neither name nor zone; other opcodes are Python's."""
        plain = query("www.example.org.", "A").to_wire()
        self.assertTrue(self.ask(plain + b"more"))
        self.assertEqual(self.compare(), 1)
        self.assertTrue(self.ask(plain[:2] + b"\x18" + plain[3:]))
        lines, _ = self.written()
        self.assertEqual((lines, len(self.told)), (b"", 1))
        self.assertEqual(self.told[0].query[2], 0x18)

    def test_times(self) -> None:
        """Any time of the coming decades, also at the ends of years and seconds."""
        rng = random.Random(5)
        message = framed(query("www.example.org.", "A").to_wire())
        marks = (951_782_399.9999995, 951_868_800.0, 1_735_689_599.9999, 4_102_444_800)
        for time in (*marks, *(rng.uniform(9e8, 4.2e9) for _ in range(300))):
            self.plane.answer_frames(message, packed(SOURCES[0]), PORT, time, 0.0)
        self.assertEqual(self.compare(), len(marks) + 300)


class ChangeTests(LogCase):
    """What is told anew, and what is counted."""

    def ask_and_read(self) -> dict[str, object]:
        """The line of a question to a pool."""
        self.assertTrue(self.ask(query("weighted.example.org.", "A").to_wire()))
        lines, _ = self.written()
        found = json.loads(lines)
        assert isinstance(found, dict)
        return found

    def test_reload(self) -> None:
        """Other tables and pools are noticed."""
        self.assertEqual(self.ask_and_read()["pool"], "weighted")
        self.plane.serve(self.pair.tables())
        self.assertEqual(self.ask_and_read()["select"], ["weighted"])
        self.assertEqual((self.log.written, self.log.dropped), (2, 0))

    def test_broken_outlet(self) -> None:
        """An error is told with the outlet's number; the notes count as dropped."""
        self.ask(query("www.example.org.", "A").to_wire())
        reading, writing = os.pipe()
        os.close(writing)
        self.addCleanup(os.close, reading)
        result = self.log.write([reading, -1, -1], 0.0)
        self.assertEqual((result.outcome, result.outlet), (Outcome.FAILED, 0))
        self.assertEqual(os.strerror(result.error), "Bad file descriptor")
        self.assertEqual((self.log.written, self.log.dropped), (0, 1))

    def test_unreachable(self) -> None:
        """What no reader is there for is dropped; other outlets have it."""
        self.ask(query("www.example.org.", "A").to_wire())
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        self.log.write([writing, None, -1], 0.0)
        self.assertEqual((self.log.written, self.log.dropped), (0, 1))
        self.assertEqual(json.loads(os.read(reading, 4096))["name"], "www.example.org.")

    def test_full_ring(self) -> None:
        """What finds no room is counted, and nothing is torn."""
        message = query("www.example.org.", "A").to_wire()
        for _ in range(200):
            self.plane.answer_frames(
                framed(message) * 400, packed(SOURCES[0]), PORT, 0.0, 0.0
            )
        null = os.open("/dev/null", os.O_WRONLY)
        self.addCleanup(os.close, null)
        self.log.write([null, -1, -1], 0.0)
        self.assertEqual(self.log.written + self.log.dropped, 80_000)
        self.assertGreater(self.log.dropped, 0)
        self.assertGreater(self.log.written, 10_000)
