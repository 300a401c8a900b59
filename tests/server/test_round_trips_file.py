"""Round trips in a file: saved, restored, and kept aside where they can't be read."""

import os

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.place import NOWHERE
from dinamed.server.round_trips_file import FILE_NAME, SAVE_INTERVAL, RoundTripsFile
from dinamed.steering.round_trips import RETURN, RoundTrips
from tests.at_once import ReactorOfOneThread
from tests.server.support import captured

KEY = ("mirrors", "fra1")
NETWORK = b"\xc0\0\2"


class RoundTripsFileTests(SynchronousTestCase):
    """RoundTripsFile."""

    def setUp(self) -> None:
        self.folder = self.mktemp()
        self.path = os.path.join(self.folder, FILE_NAME)
        self.clock = ReactorOfOneThread()

    def service(self) -> tuple[RoundTrips, RoundTripsFile]:
        """A table and its file, started."""
        table = RoundTrips()
        service = RoundTripsFile(self.clock, table, self.folder)
        service.startService()
        return table, service

    def measure(self, table: RoundTrips) -> None:
        """A network that has come back."""
        for at in (0.0, RETURN):
            table.add(KEY, NETWORK, 20.0, 1, at, NOWHERE)

    def test_saved_at_the_end(self) -> None:
        """What was measured is there after a restart."""
        table, service = self.service()
        self.measure(table)
        self.successResultOf(service.stopService())
        again, _ = self.service()
        self.assertEqual(
            again.measured(KEY, NETWORK, RETURN), table.measured(KEY, NETWORK, RETURN)
        )

    def test_saved_now_and_then(self) -> None:
        """After some minutes too, but only where there is news."""
        table, _ = self.service()
        self.clock.advance(SAVE_INTERVAL)
        self.assertFalse(os.path.exists(self.path))
        self.measure(table)
        self.clock.advance(SAVE_INTERVAL)
        self.assertTrue(os.path.exists(self.path))

    def test_bad_file(self) -> None:
        """A file that is none is kept aside, and told of."""
        os.mkdir(self.folder)
        with open(self.path, "wb") as file:
            file.write(b"nonsense")
        events = captured(self)
        table, service = self.service()
        self.assertIn("kept as", events[0]["log_format"])
        self.assertEqual(len(table), 0)
        with open(f"{self.path}.bad", "rb") as file:
            self.assertEqual(file.read(), b"nonsense")
        self.successResultOf(service.stopService())
        self.assertFalse(os.path.exists(self.path))
