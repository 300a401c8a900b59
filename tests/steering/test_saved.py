"""The table of round trips as octets."""

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.place import NOWHERE
from dinamed.steering.round_trips import RETURN, RoundTrips
from dinamed.steering.saved import restore, saved

KEYS = (("mirrors", "fra1"), ("mirrors", "ams1"))
NETWORKS = (bytes((192, 0, 2)), bytes(range(6)))


class SavedTests(SynchronousTestCase):
    """There and back, and what is refused."""

    def setUp(self) -> None:
        self.table = RoundTrips()
        for at in (0.0, RETURN):
            for number, network in enumerate(NETWORKS):
                for key in KEYS:
                    self.table.add(key, network, 20.0 + number, 1, at, NOWHERE)

    def test_there_and_back(self) -> None:
        """All that is known is known again."""
        again = RoundTrips()
        self.assertEqual(restore(again, saved(self.table)), 2)
        for network in NETWORKS:
            for key in KEYS:
                self.assertEqual(
                    again.measured(key, network, RETURN),
                    self.table.measured(key, network, RETURN),
                )

    def test_newcomers_are_left_out(self) -> None:
        """Who is on probation is not saved."""
        self.table.add(KEYS[0], b"new", 5.0, 1, RETURN, NOWHERE)
        again = RoundTrips()
        self.assertEqual(restore(again, saved(self.table)), 2)

    def test_refused(self) -> None:
        """Other versions, other messages, and what is no message."""
        whole = saved(self.table)
        encode = msgspec.msgpack.encode
        for data in (
            b"",
            whole[:-1],
            b"\xc1" * 20,
            encode([2, [], []]),
            encode([1, [["p", "m"]], [[b"1234", {0: b"00005"}]]]),
            encode([1, [["p", "m"]], [[b"123", {7: b"00005"}]]]),
            encode([1, [["p", "m"]], [[b"123", {0: b"0000"}]]]),
            encode({"version": 1}),
        ):
            self.assertRaises(ValueError, restore, RoundTrips(), data)
