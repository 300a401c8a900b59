"""Following all keys below a prefix at etcd, so that each one's last state is known.

The prefix is read once, then watched from the next revision on.  A watch that ends is
taken up where it ended; after a compaction, or if the store has another history now
(restored, emptied, another cluster), the prefix is read anew and the difference told.
"""

import json
import random
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IResponse

from dinamed.fleet.etcd import (
    DENIED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    EtcdClient,
    EtcdError,
    decoded,
    encoded,
    end_of,
    error_of,
    said,
)
from dinamed.fleet.store import Change, Listener, StoreError

MOST_LINE = 8 << 20
"""Octets of one message of a watch."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
_AUTH_WORDS = ("auth", "permission", "user name")


class _Lines(Protocol):
    """Takes a body line by line; `done` fires when it has ended, for whatever cause."""

    def __init__(self, line: Callable[[bytes], None]) -> None:
        self._line = line
        self._rest = b""
        self.too_long = False
        self.done: Deferred[None] = Deferred(lambda _: self.abort())

    def dataReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line:
                self._line(line)
        if len(self._rest) > MOST_LINE:
            self._rest, self.too_long = b"", True
            self.abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.done.called:
            self.done.callback(None)

    def abort(self) -> None:
        """End it now."""
        transport: Any = self.transport
        if transport is not None:
            getattr(transport, "abortConnection", transport.loseConnection)()


class PrefixWatch:
    """Tells a listener of every change below `prefix`.

    From a watch nothing is heard for `silence` seconds: then it is dead, for one's own
    writes at least must come back.
    """

    _log = Logger()

    def __init__(
        self,
        client: EtcdClient,
        prefix: bytes,
        listener: Listener,
        silence: float,
        rng: random.Random,
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._listener = listener
        self._silence = silence
        self._rng = rng
        self._known: dict[str, int] = {}
        self._cluster = ""
        self._read = False
        self._lines: _Lines | None = None
        self._error: StoreError | None = None
        self._guard: Any = None
        self._going: Deferred[None] | None = None
        self._running = False
        self.revision = 0
        self.why = "not begun"
        """What was last wrong; "" if nothing is."""
        self.counters = dict.fromkeys(
            (
                "reads",
                "watches",
                "cut",
                "long",
                "silent",
                "compacted",
                "restored",
                "auth",
            ),
            0,
        )
        self.counters["octets"] = 0

    def start(self) -> None:
        """Begin to follow."""
        self._running = True
        self._going = ensureDeferred(self._run())
        self._going.addErrback(self._failed)

    def stop(self) -> None:
        """End."""
        self._running = False
        self._quiet()
        if self._going is not None:
            self._going.cancel()

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while self._running:
            tried = self._client.endpoint
            try:
                if not self._read:
                    await self._read_all()
                    pause = FIRST_PAUSE
                await self._watch()
            except StoreError as error:
                self.why = str(error)
            except Exception as error:
                self.why = f"{tried}: {said(error)}"
            if not self._running:
                break
            self._client.leave(tried)
            wait = pause * self._rng.uniform(0.5, 1.5)
            await deferLater(self._client.reactor, wait)
            pause = min(LONGEST_PAUSE, 2 * pause)

    async def _read_all(self) -> None:
        """Read the prefix, and tell what is not as it was known."""
        body = {
            "key": encoded(self._prefix),
            "range_end": encoded(end_of(self._prefix)),
        }
        told = await self._client.call("/v3/kv/range", body)
        try:
            revision = int(told["header"]["revision"])
            cluster = str(told["header"].get("cluster_id", ""))
            there = {
                self._name(kv): (
                    decoded(kv.get("value", "")),
                    int(kv["mod_revision"]),
                )
                for kv in told.get("kvs", ())
            }
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise EtcdError(UNAVAILABLE, f"not readable: {error!r}") from None
        if revision < self.revision or (self._cluster and cluster != self._cluster):
            self.counters["restored"] += 1
            changes = [Change(key, None, revision) for key in self._known]
            changes = [one for one in changes if one.key not in there]
            self._known.clear()
        else:
            gone = [key for key in self._known if key not in there]
            changes = [Change(key, None, revision) for key in gone]
        for change in changes:
            self._known.pop(change.key, None)
        for key, (value, at) in there.items():
            if at != self._known.get(key):
                self._known[key] = at
                changes.append(Change(key, value, at))
                self.counters["octets"] += len(value)
        self.revision, self._cluster, self._read = revision, cluster, True
        self.counters["reads"] += 1
        self._listener(changes, revision)

    async def _watch(self) -> None:
        """Follow until it ends, and say why it did by raising."""
        await self._client.log_in()
        body = {
            "create_request": {
                "key": encoded(self._prefix),
                "range_end": encoded(end_of(self._prefix)),
                "start_revision": str(self.revision + 1),
            }
        }
        response: IResponse = await self._client.open("/v3/watch", body)
        self._error = None
        self._lines = lines = _Lines(self._line)
        self.counters["watches"] += 1
        self._heard()
        response.deliverBody(lines)
        try:
            await lines.done
        finally:
            self._quiet()
            self._lines = None
        if lines.too_long:
            # From the same revision on it would be said again, and as long.
            self._read = False
            self.counters["long"] += 1
            raise StoreError("a message of the watch was too long")
        if self._error is None:
            self.counters["cut"] += 1
            raise StoreError(f"{self._client.endpoint}: the watch has ended")
        raise self._error

    def _line(self, raw: bytes) -> None:
        """Take one message; after what is wrong in it the watch ends."""
        try:
            told = json.loads(raw)
            if "error" in told:
                raise error_of(told)
            self._take(told.get("result", {}))
        except EtcdError as error:
            self._end(error)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as bad:
            self._end(EtcdError(UNAVAILABLE, f"not readable: {bad!r}"))
        else:
            self._heard()

    def _take(self, result: dict[str, Any]) -> None:
        header = result.get("header", {})
        revision = int(header.get("revision", 0))
        if result.get("canceled"):
            raise self._canceled(result)
        if result.get("created"):
            cluster = str(header.get("cluster_id", self._cluster))
            if revision < self.revision or cluster != self._cluster:
                # It would wait in silence for a revision that is yet to come.
                self._read = False
                raise EtcdError(UNAVAILABLE, "the store has another history now")
            self.why = ""
            return
        changes = []
        for event in result.get("events", ()):
            kv = event["kv"]
            key, at = self._name(kv), int(kv["mod_revision"])
            gone = event.get("type") == "DELETE"
            value = None if gone else decoded(kv.get("value", ""))
            if at <= self._known.get(key, 0):
                continue
            if value is None:
                self._known.pop(key, None)
            else:
                self._known[key] = at
                self.counters["octets"] += len(value)
            changes.append(Change(key, value, at))
        self.revision = max(self.revision, revision)
        self._listener(changes, self.revision)

    def _canceled(self, result: dict[str, Any]) -> EtcdError:
        reason = str(result.get("cancel_reason", ""))
        if int(result.get("compact_revision", 0)):
            self.counters["compacted"] += 1
            self._read = False
            return EtcdError(UNAVAILABLE, "compacted")
        refused = any(word in reason for word in _AUTH_WORDS)
        return EtcdError(UNAUTHENTICATED if refused else UNAVAILABLE, reason)

    def _name(self, kv: dict[str, Any]) -> str:
        return decoded(kv["key"])[len(self._prefix) :].decode("utf-8", "replace")

    def _end(self, error: EtcdError) -> None:
        if self._error is None:
            self._error = error
        if error.code in (UNAUTHENTICATED, DENIED):
            self.counters["auth"] += 1
            self._client.forget_token()
        if self._lines is not None:
            self._lines.abort()

    def _heard(self) -> None:
        self._quiet()
        reactor = self._client.reactor
        self._guard = reactor.callLater(self._silence, self._silent)

    def _quiet(self) -> None:
        if self._guard is not None and self._guard.active():
            self._guard.cancel()
        self._guard = None

    def _silent(self) -> None:
        self.counters["silent"] += 1
        self._end(EtcdError(UNAVAILABLE, f"nothing heard for {self._silence:g} s"))

    def _failed(self, failure: Failure) -> None:
        if self._running:
            self._log.failure("following the fleet", failure)
