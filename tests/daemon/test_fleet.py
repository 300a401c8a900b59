"""The real daemon in a fleet whose store accepts connections and says nothing."""

import socket

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import STOP_SECONDS, wait_until
from tests.daemon.watched import WatchedDaemon, members

FLEET = """\
[fleet]
engine = "etcd"
endpoints = ["http://127.0.0.1:{port}"]
interval = 1
lease = 5
"""


class StalledStoreTests(SynchronousTestCase):
    """Answers go on, and the end comes in time."""

    def test_starts_answers_and_stops(self) -> None:
        """The start does not wait for the store, and neither does SIGTERM."""
        store = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(store.close)
        port = store.getsockname()[1]
        pools = "[pools.mirrors]\n" + members(["192.0.2.1"]) + FLEET.format(port=port)
        daemon = WatchedDaemon(pools)
        self.addCleanup(daemon.clean_up)
        daemon.start()
        self.assertEqual(daemon.get("/api/v1/fleet")["mode"], "alone")
        # Something waits for the store when the signal comes.
        store.settimeout(STOP_SECONDS * 5)
        peer, _ = store.accept()
        self.addCleanup(peer.close)
        self.assertTrue(wait_until(lambda: bool(peer.recv(1, socket.MSG_PEEK))))
        daemon.stop()
        self.assertNotIn("Traceback", daemon.log)
