"""Tests of `dinamed.fleet.prefix_watch` against an etcd that is played, on a clock.

What real nodes do is in `test_etcd` and `test_etcd_faults`; here is what they can
hardly be made to do.
"""

import json
import random
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone

from dinamed.fleet.etcd import EtcdClient, encoded
from dinamed.fleet.prefix_watch import MOST_LINE, PrefixWatch
from dinamed.fleet.store import Change

PREFIX = b"/dinamed/test/"
SILENCE = 3.0


class PlayedResponse:
    """A response whose body comes bit by bit; it is its own transport."""

    code = 200

    def __init__(self, whole: bytes | None = None) -> None:
        self.whole = whole
        self.body: Any = None
        self.length = -1 if whole is None else len(whole)

    def deliverBody(self, body: Any) -> None:  # noqa: N802
        """Begin with the body."""
        self.body = body
        body.makeConnection(self)
        if self.whole is not None:
            body.dataReceived(self.whole)
            self.end()

    def say(self, **result: object) -> None:
        """Say one line."""
        self.body.dataReceived(json.dumps({"result": result}).encode() + b"\n")

    def end(self) -> None:
        """End the body."""
        self.body.connectionLost(Failure(ResponseDone()))

    def abortConnection(self) -> None:
        """End, as the reader wishes."""
        self.end()

    def loseConnection(self) -> None:
        """End, as the reader wishes."""
        self.end()


class PlayedEtcd:
    """An agent: reads have `values` at `revision`, and watches are kept."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.revision = 10
        self.cluster = "1"
        self.watches: list[PlayedResponse] = []
        self.starts: list[int] = []

    @property
    def header(self) -> dict[str, str]:
        """What stands in all that is said."""
        return {"revision": str(self.revision), "cluster_id": self.cluster}

    def request(
        self, method: bytes, url: bytes, headers: Any = None, producer: Any = None
    ) -> Deferred[PlayedResponse]:
        """Answer a request."""
        body = json.loads(producer._inputFile.read())
        if url.endswith(b"/v3/watch"):
            self.starts.append(int(body["create_request"]["start_revision"]))
            self.watches.append(PlayedResponse())
            return succeed(self.watches[-1])
        kvs = [self.pair(key, value) for key, value in self.values.items()]
        told = {"header": self.header, "kvs": kvs}
        return succeed(PlayedResponse(json.dumps(told).encode()))

    def pair(self, key: str, value: bytes) -> dict[str, str]:
        """A key and its value, as etcd says them."""
        return {
            "key": encoded(PREFIX + key.encode()),
            "value": encoded(value),
            "mod_revision": str(self.revision),
        }

    def put(self, key: str, value: bytes) -> None:
        """Change a key, and say so on the newest watch."""
        self.revision += 1
        self.values[key] = value
        self.watches[-1].say(header=self.header, events=[{"kv": self.pair(key, value)}])


class PrefixWatchTests(SynchronousTestCase):
    """One that follows."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.etcd = PlayedEtcd()
        self.values: dict[str, bytes | None] = {}
        rng = random.Random(1)
        agent: Any = self.etcd
        client = EtcdClient(self.clock, agent, ["http://192.0.2.1:2379"], rng)
        self.watch = PrefixWatch(client, PREFIX, self.hear, SILENCE, rng)
        self.etcd.values["a"] = b"1"
        self.watch.start()
        self.addCleanup(self.watch.stop)
        self.clock.advance(0)
        self.created()

    def hear(self, changes: Sequence[Change], revision: int) -> None:
        """Take changes."""
        self.values.update({key: value for key, value, _ in changes})

    def created(self) -> None:
        """Have the newest watch begin."""
        self.etcd.watches[-1].say(header=self.etcd.header, created=True)

    def again(self) -> None:
        """Let the watch begin anew."""
        self.clock.pump([0.1] * 20)
        self.created()

    def counted(self, what: str) -> int:
        """How often that was the matter."""
        return self.watch.counters[what]

    def test_followed(self) -> None:
        """What there is and what is new; a watch that ends goes on where it ended."""
        self.assertEqual(self.values, {"a": b"1"})
        self.etcd.put("b", b"2")
        self.assertEqual(self.values["b"], b"2")
        self.etcd.watches[-1].end()
        self.again()
        self.assertEqual((self.counted("cut"), self.counted("reads")), (1, 1))
        self.assertEqual(self.etcd.starts, [11, 12])
        self.etcd.put("c", b"3")
        self.assertEqual(self.values["c"], b"3")

    def test_a_line_of_nine_megabytes(self) -> None:
        """It is not asked for again: the prefix is read in its place."""
        self.etcd.revision += 1
        self.etcd.values["a"] = b"new"
        watch = self.etcd.watches[-1]
        for _ in range(9):
            if len(self.etcd.watches) == 1 and watch.body.transport is not None:
                watch.body.dataReceived(b"x" * (1 << 20))
        self.assertGreater(9 << 20, MOST_LINE)
        self.again()
        self.assertEqual((self.counted("long"), self.counted("reads")), (1, 2))
        self.assertEqual(self.values["a"], b"new")
        self.assertEqual(self.etcd.starts, [11, 12])

    def test_compacted(self) -> None:
        """What is refused is read anew: also what is gone."""
        self.etcd.put("b", b"2")
        self.etcd.watches[-1].end()
        del self.etcd.values["b"]
        self.etcd.revision += 5
        self.clock.pump([0.1] * 10)
        self.etcd.watches[-1].say(
            header=self.etcd.header, created=True, canceled=True, compact_revision="15"
        )
        self.again()
        self.assertEqual((self.counted("compacted"), self.counted("reads")), (1, 2))
        self.assertIsNone(self.values["b"])

    def test_silent(self) -> None:
        """Nothing heard for so long is as good as an end."""
        self.clock.advance(SILENCE + 0.1)
        self.assertEqual(self.counted("silent"), 1)
        self.again()
        self.assertEqual(self.counted("watches"), 2)

    def test_another_cluster(self) -> None:
        """Behind the same address is another store: read anew."""
        self.etcd.cluster, self.etcd.revision = "2", 50
        self.etcd.values = {"z": b"9"}
        self.etcd.watches[-1].end()
        self.again()
        self.again()
        self.assertEqual(self.values, {"a": None, "z": b"9"})
        self.assertGreaterEqual(self.counted("restored"), 1)

    def test_token_expired(self) -> None:
        """A new watch that is refused for its token logs in anew."""
        self.etcd.watches[-1].end()
        self.clock.pump([0.1] * 10)
        self.etcd.watches[-1].say(
            header=self.etcd.header,
            created=True,
            canceled=True,
            cancel_reason="rpc error: permission denied",
        )
        self.again()
        self.assertEqual((self.counted("auth"), self.counted("reads")), (1, 1))
        self.assertEqual(self.watch.why, "")

    def test_nonsense(self) -> None:
        """What can't be read ends the watch, and no more."""
        for said in (b"[]", b"{", b"[" * 100_000, b'{"result": {"events": [{}]}}'):
            self.etcd.watches[-1].body.dataReceived(said + b"\n")
            self.assertIn("not readable", self.error())
            self.again()
        self.etcd.put("b", b"2")
        self.assertEqual(self.values["b"], b"2")

    def error(self) -> str:
        """What is said to be wrong."""
        self.clock.advance(0)
        return self.watch.why
