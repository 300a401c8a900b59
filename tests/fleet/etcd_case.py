"""What tests of the store on etcd itself have in common."""

import os
import random
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, inlineCallbacks
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from twisted.web.client import HTTPConnectionPool

from dinamed.fleet.etcd import EtcdClient, encoded
from dinamed.fleet.etcd_store import EtcdStore, agent_of, connections_of
from dinamed.fleet.store import Change, StoreError
from tests.fleet.etcd_nodes import EtcdNodes

STEP = 0.05
PATIENCE = 60.0
"""Seconds for one thing to come about, on a busy machine."""

INTERVAL = 5.0
"""Seconds after which a server says what it has to say anew."""


class Listening:
    """What a store has told."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.gone: list[str] = []

    def __call__(self, changes: Sequence[Change], revision: int) -> None:
        """Take changes."""
        for key, value, _ in changes:
            if value is None:
                self.values.pop(key, None)
                self.gone.append(key)
            else:
                self.values[key] = value


class EtcdCase(TestCase):
    """Servers on one cluster."""

    timeout = 180

    def setUp(self) -> None:
        folder = self.mktemp()
        os.makedirs(folder)
        self.cluster = EtcdNodes(folder, self.more_options(folder))
        self.addCleanup(self.cluster.kill_all)
        self.cluster.start_all()
        self.stores: list[EtcdStore] = []
        self.addCleanup(self.stop_all)

    def more_options(self, folder: str) -> dict[str, str]:
        """Options of the nodes, beyond the usual ones."""
        return {}

    def stop_all(self) -> Any:
        """Stop all stores that run."""
        for store in self.stores:
            store.stop(False)
        # What the agent has still open is closed soon.
        return deferLater(reactor, 0.2)

    def make(
        self,
        login: tuple[str, str] | None = None,
        endpoints: Sequence[str] = (),
    ) -> EtcdStore:
        """The store of one server, which reaches etcd there; it has not begun."""
        pool = connections_of(reactor)
        client = EtcdClient(
            reactor,
            agent_of(reactor, pool),
            endpoints or self.cluster.endpoints,
            random.Random(3),
            login,
            2.0,
        )
        return EtcdStore(client, pool, "test", 10, 1.0, random.Random(4))

    def store(
        self,
        name: str,
        login: tuple[str, str] | None = None,
        endpoints: Sequence[str] = (),
    ) -> tuple[EtcdStore, Listening]:
        """The same, begun, and what it tells."""
        made = self.make(login, endpoints)
        heard = Listening()
        made.start(heard)
        self.stores.append(made)
        return made, heard

    @inlineCallbacks
    def until(self, holds: Callable[[], object], what: str = "it") -> Any:
        """Wait until something holds."""
        for _ in range(round(PATIENCE / STEP)):
            if holds():
                return
            yield deferLater(reactor, STEP)
        self.fail(f"{what} did not come about: {[one.status() for one in self.stores]}")

    @inlineCallbacks
    def say(self, number: int, stores: list[EtcdStore], ears: list[Listening]) -> Any:
        """Have each say something new at each interval, until all have heard it."""
        wanted: dict[str, bytes] = {}
        next_at = 0.0

        def heard() -> bool:
            nonlocal next_at
            if all(wanted.items() <= ear.values.items() for ear in ears) and wanted:
                return True
            if reactor.seconds() >= next_at:
                next_at = reactor.seconds() + INTERVAL
                for place, store in enumerate(stores):
                    value = f"{number} at {next_at}".encode()
                    wanted[f"by/ns{place}/live"] = value
                    store.publish(f"by/ns{place}/live", value)
            return False

        yield self.until(heard, f"round {number}")

    guarded = False

    @inlineCallbacks
    def ask(self, path: str, **body: object) -> Any:
        """Have an administrator do something, as soon as there is a leader."""
        login = ("root", "secret") if self.guarded else None
        for _ in range(round(PATIENCE / STEP)):
            # One that keeps a connection may do so after the test has ended.
            agent = agent_of(reactor, HTTPConnectionPool(reactor, persistent=False))
            client = EtcdClient(
                reactor, agent, self.cluster.endpoints, random.Random(3), login, 2.0
            )
            try:
                told = yield ensureDeferred(client.call(path, body))
            except StoreError as error:
                # What had no answer in time may have been done all the same.
                told = {} if "already" in str(error) else None
            yield deferLater(reactor, STEP)
            if told is not None:
                return told
        self.fail(f"{path} was refused")

    @inlineCallbacks
    def guard(self) -> Any:
        """Let the user `ns0` read all of the fleet, and write what it owns."""
        ours = encoded(b"/dinamed/test/")
        own = encoded(b"/dinamed/test/by/ns0/")
        yield self.ask("/v3/auth/user/add", name="root", password="secret")
        yield self.ask("/v3/auth/user/grant", user="root", role="root")
        yield self.ask("/v3/auth/user/add", name="ns0", password="word")
        yield self.ask("/v3/auth/role/add", name="server")
        for kind, first, last in (
            ("READ", ours, encoded(b"/dinamed/test0")),
            ("WRITE", own, encoded(b"/dinamed/test/by/ns00")),
        ):
            perm = {"permType": kind, "key": first, "range_end": last}
            yield self.ask("/v3/auth/role/grant", name="server", perm=perm)
        yield self.ask("/v3/auth/user/grant", user="ns0", role="server")
        yield self.ask("/v3/auth/enable")
        self.guarded = True
