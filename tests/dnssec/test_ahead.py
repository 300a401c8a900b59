"""Tests for signatures that are made ahead, and for the files that hold them."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.ahead import AheadJob, AheadStore, ahead_job, sign_ahead
from dinamed.dnssec.grid import Grid
from dinamed.dnssec.ready_signatures import GatheredSignatures, ReadySignatures
from dinamed.dnssec.signatures import Signatures
from dinamed.dnssec.signing import ZoneSigner
from dinamed.transfers.signed_view import SignedView
from tests.dnssec.support import NOW, edwards_key, fixed_key, keyset, online
from tests.dnssec.test_online import POOLS, ZONE
from tests.plans.support import make_zone

_digests = st.binary(min_size=16, max_size=16)
_entries = st.dictionaries(_digests, st.binary(max_size=64), max_size=40)


def file_of(entries: dict[bytes, bytes]) -> bytes:
    """Entries as a file."""
    gathered = GatheredSignatures(64)
    for entry in entries.items():
        gathered.add(entry)
    return b"".join(gathered.pieces())


class FileTests(SynchronousTestCase):
    """Files of signatures."""

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_entries, _digests)
    def test_finds_all(self, entries: dict[bytes, bytes], other: bytes) -> None:
        """Each is found again, and no other."""
        ready = ReadySignatures(memoryview(file_of(entries)))
        self.assertEqual(len(ready), len(entries))
        for digest, signature in entries.items():
            near = {digest[:8] + one[8:] for one in entries} - {digest}
            if not near & entries.keys():
                self.assertEqual(ready.get(digest), signature)
        if other not in entries:
            self.assertIsNone(ready.get(other))

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_entries, st.integers(0), st.integers(1, 255))
    def test_damage(self, entries: dict[bytes, bytes], place: int, by: int) -> None:
        """What is damaged is not there, or no file at all; nothing else is given."""
        data = bytearray(file_of(entries))
        data[place % len(data)] ^= by
        try:
            ready = ReadySignatures(memoryview(data))
        except ValueError:
            return
        for digest, signature in entries.items():
            self.assertIn(ready.get(digest), (None, signature))

    def test_no_file(self) -> None:
        """Files that are too short, too long, or others."""
        data = file_of({bytes(16): b"signature"})
        for bad in (b"", data[:-1], data + b"x", b"X" + data[1:], data[:20]):
            with self.assertRaises(ValueError):
                ReadySignatures(memoryview(bad))

    def test_out_of_order(self) -> None:
        """A look-up in a file that is not in order ends."""
        entries = {number.to_bytes(16, "big"): b"x" for number in range(500)}
        data = file_of(entries)
        head, size = len(data) % (16 + 64 + 6), 16 + 64 + 6
        rows = [data[at : at + size] for at in range(head, len(data), size)]
        ready = ReadySignatures(memoryview(data[:head] + b"".join(rows[::-1])))
        for digest in entries:
            self.assertIn(ready.get(digest), (None, b"x"))


class AheadTests(SynchronousTestCase):
    """A zone that is signed as a whole."""

    def setUp(self) -> None:
        self.key = fixed_key()
        self.zone = make_zone(
            "example.org.", ZONE, {"ftp": "mirrors", "*.cdn": "mirrors"}
        )
        self.served = online(
            self.zone, keyset(self.key), POOLS, regional=frozenset({"mirrors"})
        )

    def signed(
        self, job: AheadJob, before: ReadySignatures | None = None
    ) -> AheadStore:
        """What a job gives."""
        store = AheadStore(64, before)
        for _ in sign_ahead(job.online(self.zone, store), job.moments):
            pass
        return store

    def made_for_view(self, ready: ReadySignatures, now: float) -> int:
        """How many signatures are missing where the whole zone is transferred."""
        signatures = Signatures()
        signatures.take_ahead(ready)
        signer = ZoneSigner(
            self.zone.origin, keyset(self.key), Grid(), signatures, lambda: now
        )
        served = online(
            self.zone, keyset(self.key), POOLS, regional=frozenset({"mirrors"})
        )
        served.signer = signer
        self.assertTrue(list(SignedView(self.zone, online=served).records()))
        return signatures.made

    def test_all(self) -> None:
        """Nothing is left to sign, but the apex and what is made for clients."""
        job = ahead_job(self.served, "", [NOW, NOW + 86400])
        store = self.signed(job)
        ready = ReadySignatures(memoryview(b"".join(store.gathered.pieces())))
        few = 4 + len([key for key in self.served.denial.names.virtual])
        self.assertGreater(len(ready), 2 * 261)
        for now in (NOW, NOW + 80_000):
            # SOA and the three RRsets of keys, and texts of names that answer.
            self.assertLess(self.made_for_view(ready, now), few)
        self.assertGreater(self.made_for_view(ready, NOW + 9e6), 2 * 261)

    def test_again(self) -> None:
        """What the file has is not made again, and what is over is left out."""
        job = ahead_job(self.served, "", [NOW])
        store = self.signed(job)
        self.assertEqual(store.made, len(store.gathered))
        before = ReadySignatures(memoryview(b"".join(store.gathered.pieces())))
        again = self.signed(job, before)
        self.assertEqual(again.made, 0)
        self.assertEqual(list(again.gathered.pieces()), list(store.gathered.pieces()))
        later = Grid().period * 2 + NOW
        again = self.signed(ahead_job(self.served, "", [later]), before)
        self.assertEqual(again.made, len(again.gathered))

    def test_two_keys(self) -> None:
        """While an algorithm changes there are signatures of both."""
        keys = keyset(self.key, edwards_key(3))
        both = ahead_job(online(self.zone, keys, POOLS), "", [NOW])
        one = ahead_job(online(self.zone, keyset(self.key), POOLS), "", [NOW])
        self.assertEqual([key.flags for key in both.signers()], [257, 257])
        self.assertEqual(self.signed(both).made, 2 * self.signed(one).made)


class JobTests(SynchronousTestCase):
    """Jobs are values."""

    def test_moments(self) -> None:
        """Each once."""
        zone = make_zone("example.org.", ZONE, {})
        job = ahead_job(online(zone, keyset(fixed_key())), "", [NOW, NOW, NOW + 1])
        self.assertEqual(job.moments, (NOW, NOW + 1))
