"""Tests of the store on etcd itself: three nodes, killed, stopped, wiped."""

import signal
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.task import deferLater

from dinamed.fleet.etcd_store import EtcdStore
from dinamed.fleet.store import StaleError, StoreError
from tests.fleet.etcd_case import EtcdCase
from tests.fleet.etcd_nodes import NODES


class EtcdTests(EtcdCase):
    """Two servers on one cluster."""

    @inlineCallbacks
    def test_failures(self) -> Any:
        """Kill, stop, lose the quorum, wipe: what is said afterwards is heard."""
        (one, hears_one), (two, hears_two) = self.store("ns0"), self.store("ns1")
        stores, ears = [one, two], [hears_one, hears_two]
        yield self.say(1, stores, ears)
        self.cluster.kill(0)
        yield self.say(2, stores, ears)
        self.cluster.start(0)
        yield self.say(3, stores, ears)
        self.cluster.signal(1, signal.SIGSTOP)
        yield self.say(4, stores, ears)
        self.cluster.signal(1, signal.SIGCONT)
        yield self.say(5, stores, ears)
        self.cluster.kill(0)
        self.cluster.kill(1)
        one.publish("by/ns0/live", b"6")
        yield deferLater(reactor, 2.0)
        self.cluster.start(0)
        self.cluster.start(1)
        yield self.say(7, stores, ears)
        self.cluster.wipe()
        self.cluster.start_all()
        yield self.say(8, stores, ears)
        for store in stores:
            self.assertGreaterEqual(store.status().counters["watch_restored"], 1)

    @inlineCallbacks
    def test_orders_and_leaving(self) -> Any:
        """A shared key changes from the revision that was known; leases end."""
        (one, hears_one), (two, hears_two) = self.store("ns0"), self.store("ns1")
        yield self.say(1, [one, two], [hears_one, hears_two])
        first = yield one.give("orders/p/a", b"drain", 0)
        yield self.until(lambda: hears_two.values.get("orders/p/a") == b"drain")
        stale = yield self.assertFailure(two.give("orders/p/a", b"up", 0), StaleError)
        self.assertEqual((stale.revision, stale.value), (first, b"drain"))
        second = yield two.give("orders/p/a", b"up", first)
        self.assertGreater(second, first)
        yield two.give("orders/p/a", None, second)
        yield self.until(lambda: "orders/p/a" not in hears_one.values)
        yield two.stop(True)
        yield self.until(lambda: "by/ns1/live" in hears_one.gone)
        for number in range(NODES):
            self.cluster.signal(number, signal.SIGSTOP)
        before = reactor.seconds()
        yield one.stop(True)
        self.assertLess(reactor.seconds() - before, 1.8)


class AuthTests(EtcdCase):
    """A cluster with users: what a server's role may do, and what happens without."""

    def until_why(self, store: EtcdStore, why: str) -> Any:
        """Wait until that is what a store says is wrong."""
        return self.until(lambda: why in store.status().why, why)

    @inlineCallbacks
    def test_users(self) -> Any:
        """The right one may; a wrong password and a foreign key are told of."""
        yield self.guard()
        good, hears = self.store("ns0", ("ns0", "word"))
        bad, _ = self.store("ns1", ("ns0", "wrong"))
        nobody, _ = self.store("ns2")
        yield self.say(1, [good], [hears])
        yield self.assertFailure(good.give("orders/p/a", b"drain", 0), StoreError)
        for store, why in ((bad, "password"), (nobody, "user name is empty")):
            yield self.until_why(store, why)
            self.assertFalse(store.status().connected)
        # Tokens die when users change; the watch and the lease go on.
        yield self.ask("/v3/auth/user/add", name="other", password="x")
        yield self.say(2, [good], [hears])
