"""Tests of what can go wrong between a server and etcd, with etcd itself.

Nodes that are killed, stopped and wiped are in `test_etcd`.  Here are: compaction while
cut off, a stall, a lease that is lost, endpoints that refuse, reset or say nothing, and
tokens that expire.
"""

import os
import socket
import time
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.task import deferLater

from dinamed.fleet.etcd_store import EtcdStore
from dinamed.fleet.peers import Peers
from dinamed.fleet.round_trip_role import RoundTripRole
from dinamed.fleet.service import FleetService, Identity
from dinamed.geo.place import Place
from dinamed.pools.manager import PoolManager
from tests.fleet.etcd_case import EtcdCase
from tests.fleet.proxy import TcpProxy
from tests.pools.support import host, pool

NETWORK = bytes((192, 0, 2))


class FaultsTests(EtcdCase):
    """One server beside etcd, and one behind a proxy."""

    def behind(self) -> TcpProxy:
        """A proxy before one of the nodes."""
        proxy = TcpProxy(reactor, self.cluster.clients[0])
        self.addCleanup(proxy.close)
        return proxy

    @inlineCallbacks
    def test_cut_compacted_stalled(self) -> Any:
        """What changed meanwhile is read, also what is gone; leases are made anew."""
        proxy = self.behind()
        one, hears_one = self.store("ns0")
        two, hears_two = self.store("ns1", endpoints=[proxy.endpoint])
        stores, ears = [one, two], [hears_one, hears_two]
        yield self.say(1, stores, ears)
        first = yield one.give("orders/p/a", b"drain", 0)
        yield self.until(lambda: "orders/p/a" in hears_two.values, "the order")
        proxy.cut(lasting=True)
        yield one.give("orders/p/a", None, first)
        last = yield one.give("orders/p/b", b"down", 0)
        yield self.ask("/v3/kv/compaction", revision=str(last), physical=True)
        proxy.mend()
        yield self.until(lambda: "orders/p/b" in hears_two.values, "what is new")
        self.assertNotIn("orders/p/a", hears_two.values)
        self.assertGreaterEqual(two.status().counters["watch_compacted"], 1)

        proxy.hold(True)
        yield self.until(lambda: two.status().counters["watch_silent"], "the silence")
        proxy.hold(False)
        yield self.say(2, stores, ears)

        leases = yield self.ask("/v3/lease/leases")
        for lease in leases["leases"]:
            yield self.ask("/v3/lease/revoke", ID=lease["ID"])
        yield self.until(lambda: "by/ns1/live" in hears_one.gone, "the loss")
        yield self.say(3, stores, ears)
        self.assertGreaterEqual(one.status().counters["leases_lost"], 1)

    @inlineCallbacks
    def test_endpoints(self) -> Any:
        """Of those that refuse, reset, or take and say nothing another is tried."""
        refuses = socket.create_server(("127.0.0.1", 0))
        port = refuses.getsockname()[1]
        refuses.close()
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        resets = self.behind()
        resets.cut(lasting=True)
        endpoints = [
            f"http://127.0.0.1:{port}",
            f"http://127.0.0.1:{silent.getsockname()[1]}",
            resets.endpoint,
            self.cluster.endpoints[1],
        ]
        one, hears = self.store("ns0", endpoints=endpoints)
        yield self.say(1, [one], [hears])
        self.assertEqual(one.status().facts["endpoint"], self.cluster.endpoints[1])

    @inlineCallbacks
    def test_round_trips(self) -> Any:
        """What one server was told of the way to a member another one knows."""
        managers = []
        for name in ("ns0", "ns1"):
            manager = PoolManager([pool("p", host("a"), host("b"))], time.time())
            service = self.serve(name, manager, self.make())
            service.startService()
            self.addCleanup(service.stopService, False)
            managers.append(manager)
        one, two = (manager.round_trips for manager in managers)
        one.add(("p", "a"), NETWORK, 20.0, 1, time.time(), Place())

        def known() -> bool:
            found = two.measured(("p", "a"), NETWORK, time.time())
            return found is not None and 19.0 < found.ms < 21.0

        yield self.until(known, "the round trip")
        self.assertEqual(len(list(two.share().fresh(time.time()))), 0)

    def serve(self, name: str, manager: PoolManager, store: EtcdStore) -> FleetService:
        """A server's part in the fleet, with that role alone."""
        role = RoundTripRole(manager, lambda address: Place(), time.time)
        return FleetService(
            reactor,
            Identity("test", name, "", len(name), time.time(), 1.0),
            store,
            Peers(),
            [role],
            (),
            (),
            time.time,
            time.monotonic,
        )


class TokenTests(EtcdCase):
    """A cluster whose tokens expire soon."""

    LASTING = 2

    def more_options(self, folder: str) -> dict[str, str]:
        """Signed tokens, that are good for a short time."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
        paths = {}
        for name, data in (("priv", private), ("pub", public)):
            paths[name] = os.path.join(folder, f"{name}.pem")
            with open(paths[name], "wb") as file:
                file.write(data)
        return {
            "auth-token": (
                f"jwt,pub-key={paths['pub']},priv-key={paths['priv']},"
                f"sign-method=RS256,ttl={self.LASTING}s"
            )
        }

    @inlineCallbacks
    def test_expired(self) -> Any:
        """With a running watch, and without one, a new one is asked for."""
        yield self.guard()
        proxy = TcpProxy(reactor, self.cluster.clients[0])
        self.addCleanup(proxy.close)
        one, hears = self.store("ns0", ("ns0", "word"), [proxy.endpoint])
        yield self.say(1, [one], [hears])
        before = one.status().counters
        yield deferLater(reactor, self.LASTING + 1.0)
        yield self.say(2, [one], [hears])
        proxy.cut()
        yield deferLater(reactor, self.LASTING + 1.0)
        yield self.say(3, [one], [hears])
        after = one.status().counters
        self.assertGreater(after["logins"], before["logins"])
        self.assertGreater(after["watch_watches"], before["watch_watches"])
