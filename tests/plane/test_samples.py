"""Notes of native answers, for the query log."""

import select
import socket
import threading

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import wait_until
from tests.plane.support import Pair, need_plane
from tests.plans.support import query


class NoteTests(SynchronousTestCase):
    """One thread, on a real socket."""

    def setUp(self) -> None:
        """Start it."""
        need_plane()
        self.pair = Pair(threads=1)
        self.plane = self.pair.plane
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind(("127.0.0.1", 0))
        self.server.settimeout(0.2)
        self.server.setblocking(True)
        patience = b"\0" * 8 + (200_000).to_bytes(8, "little")
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
        self.plane.attach(0, self.server.fileno())
        thread = threading.Thread(target=self.plane.run, args=(0,))
        thread.start()
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.connect(self.server.getsockname())

        def end() -> None:
            self.plane.stop()
            thread.join()
            self.server.close()
            self.client.close()

        self.addCleanup(end)

    def ask(self, name: str) -> tuple[bytes, bytes]:
        """A query, and the reply."""
        data = query(f"{name}.example.org.", "A").to_wire()
        self.client.send(data)
        self.assertTrue(select.select([self.client], [], [], 5)[0])
        return data, self.client.recv(4096)

    def test_nothing_unasked(self) -> None:
        """Nothing is noted before anybody wants it, nor afterwards."""
        self.ask("www")
        self.plane.set_sampling(1.0)
        self.plane.set_sampling(0.0)
        self.ask("www")
        self.assertEqual(self.plane.take_samples(10), ([], 0))

    def test_notes(self) -> None:
        """A note has the time, the sender, the query and the reply, once."""
        self.plane.set_sampling(1.0)
        data, reply = self.ask("weighted")
        ((time, source, port, stream, asked, answered),), dropped = (
            self.plane.take_samples(10)
        )
        self.assertFalse(stream)
        self.assertEqual((asked, answered, dropped), (data, reply, 0))
        self.assertEqual(source, b"\x7f\0\0\1")
        self.assertEqual(port, self.client.getsockname()[1])
        self.assertGreater(time, 1_700_000_000)
        self.assertEqual(self.plane.take_samples(10), ([], 0))

    def test_share(self) -> None:
        """About one in four of them, if that is asked for."""
        self.plane.set_sampling(0.25)
        for _ in range(2000):
            self.ask("www")
        notes, _ = self.plane.take_samples(10_000)
        self.assertTrue(400 < len(notes) < 600, len(notes))

    def test_no_room(self) -> None:
        """What finds no room in the ring is dropped and counted; the rest is whole."""
        self.plane.set_sampling(1.0)
        asked = 0
        while not self.plane.take_samples(0)[1]:
            data, _ = self.ask("www")
            asked += 1
            self.assertLess(asked, 20_000)
        notes, dropped = self.plane.take_samples(20_000)
        self.assertEqual(len(notes) + dropped, asked)
        self.assertTrue(all(note[4][2:] == data[2:] for note in notes))
        self.ask("www")
        self.assertTrue(wait_until(lambda: bool(self.plane.take_samples(10)[0])))

    def test_times(self) -> None:
        """One batch in 64 is timed, the first of them at once."""
        self.ask("www")
        self.assertTrue(wait_until(lambda: sum(self.plane.times()[0]) == 1))
        bins, seconds = self.plane.times()
        bound = 2.0 ** bins.index(1) * 2.0**-22
        self.assertTrue(0 < seconds < bound <= 2 * seconds)
        for _ in range(64):
            self.ask("www")
        self.assertTrue(wait_until(lambda: sum(self.plane.times()[0]) == 2))
