"""Members that report their load by themselves: what is taken, and what is not."""

import json
import socket
import time

from tests.daemon.harness import wait_until
from tests.daemon.test_closed_loop import HOSTS, M1, M2, ttls
from tests.daemon.watched import WatchedCase, WatchedDaemon, members, networks


class PushTests(WatchedCase):
    """Members that report by themselves over HTTP."""

    def pushed(
        self, select: str = '[{shed = [0.6, 0.85]}, "weighted"]', ttl: str = "60"
    ) -> WatchedDaemon:
        """A daemon that takes pushed reports."""
        return self.started(
            f"[pools.mirrors]\nttl = {ttl}\nselect = {select}\n"
            '[pools.mirrors.load]\ntype = "push"\ninterval = 60\n'
            + members(HOSTS[:2], "capacity = 10")
        )

    def test_shed(self) -> None:
        """The answers leave a member that is over the upper mark, and come back."""
        daemon = self.pushed()
        self.assertEqual(set(daemon.share(60)), {M1, M2})
        told = daemon.push({"member": "m1", "load": 9.5}, {"member": "m2", "load": 1})
        self.assertEqual(told, {"taken": 2, "problems": []})
        self.assertEqual(set(daemon.share(60)), {M2})
        daemon.push({"member": "m1", "load": 7.25})
        share = daemon.share(400)
        self.assertTrue(40 < share[M1] < 160, share)  # half of its half
        # When both are over it, nobody is left, and the stage is passed over.
        daemon.push({"member": "m1", "load": 20}, {"member": "m2", "load": 20})
        self.assertEqual(set(daemon.share(60)), {M1, M2})
        daemon.push({"member": "m1", "load": 20, "capacity": 1000})
        self.assertEqual(set(daemon.share(60)), {M1})

    def test_adaptive(self) -> None:
        """Who asks all the time has many clients, and so decides again sooner."""
        daemon = self.pushed('["predictive"]', '"1-9"')
        daemon.push({"member": "m1", "load": 1}, {"member": "m2", "load": 1})
        light = networks(30)
        self.assertEqual(ttls(daemon.many(light)), {3})
        up = daemon.get("/api/v1/status")["up"]
        self.eventually(
            lambda: daemon.get("/api/v1/status")["up"] > up + 3.2, daemon, seconds=10
        )
        daemon.many(light)
        heavy = networks(1, start=5000)
        daemon.many(heavy * 100)
        self.assertLess(max(ttls(daemon.many(heavy))), 3)
        self.assertEqual(ttls(daemon.many(networks(1, start=6000))), {3})
        self.assertGreaterEqual(min(ttls(daemon.many(light))), 3)

    def test_bad_reports(self) -> None:
        """Each is refused with its reason, and the others are taken."""
        daemon = self.pushed()
        daemon.push({"member": "m1", "load": 3}, {"member": "m2", "load": 4})
        future = time.time() + 3600
        bad = {
            '{"member":"m1","load":NaN}': "",
            '{"member":"m1","load":1e999}': "",
            '{"member":"m1","load":-1}': "load is negative: -1",
            '{"member":"m1","load":1e19}': "load is absurdly high: 1e+19",
            '{"member":"m1","load":"9"}': "load is not a number",
            '{"member":"m1","load":true}': "load is not a number",
            '{"member":"m1","load":null}': "load is not a number: nothing",
            '{"member":"m1"}': "load is not a number: nothing",
            f'{{"member":"m1","load":9,"at":{future}}}': "in the future",
            '{"member":"m1","load":9,"at":1}': "older than the last report",
            '{"member":"m1","load":9,"capacity":0}': "capacity is 0",
            '{"member":"m1","load":9,"wieght":1}': "unknown key",
            '{"member":"m9","load":9}': 'no pool takes reports of a member "m9"',
            '{"member":"m1","pool":"x","load":9}': "no pool",
            '{"member":7,"load":9}': "member is not a name",
            '{"load":9}': "member is not a name: nothing",
            "7": "expected a report or a list of reports",
            "[]": "",
            "": "",
            '{"member":"m1","load":9': "",
            "[" * 5000: "",
            "\xff": "",
        }
        for body, why in bad.items():
            status, told = daemon.request(
                "POST", "/api/v1/load", body.encode("latin-1")
            )
            with self.subTest(body=body):
                self.assertEqual(status, 400, told)
                self.assertIn(why, json.dumps(told).replace('\\"', '"'))
        self.assertEqual(daemon.loads(), [3, 4])
        self.assertEqual(daemon.changes(), [])

    def test_bad_among_good(self) -> None:
        """What is wrong with some reports of a message does not harm the others."""
        daemon = self.pushed()
        told = daemon.push(
            {"member": "m1", "load": 5},
            {"member": "m1", "load": 6},
            {"member": "m2", "load": -2},
            {"member": "m2", "load": 6},
        )
        self.assertEqual(told["taken"], 2)
        self.assertEqual(
            told["problems"],
            ['1: a second report of "m1"', "2: load is negative: -2"],
        )
        self.assertEqual(daemon.loads(), [5, 6])

    def test_bad_in_status(self) -> None:
        """Why a member's last report was refused is to be seen until a good one."""
        daemon = self.pushed()
        daemon.push({"member": "m1", "load": 5})
        daemon.request("POST", "/api/v1/load", b'{"member":"m1","load":-1}')
        self.assertEqual(daemon.loads(), [5, None])
        self.assertEqual(daemon.member("m1")["feed_failure"], "load is negative: -1")
        self.assertIn("load is negative: -1", daemon.run_command("status", "mirrors"))
        daemon.push({"member": "m1", "load": 6})
        self.assertEqual(daemon.member("m1")["feed_failure"], "")

    def test_content_types(self) -> None:
        """Only JSON is taken; one that says nothing of its type may be."""
        daemon = self.pushed()
        body = b'{"member":"m1","load":5}'
        for kind in ("text/plain", "text/csv", "application/xml"):
            status, told = daemon.request("POST", "/api/v1/load", body, kind)
            self.assertEqual(status, 415, told)
            self.assertIn(kind, told["error"])
        self.assertEqual(daemon.loads(), [None, None])
        for kind in ("application/json; charset=utf-8", "application/json"):
            status, told = daemon.request("POST", "/api/v1/load", body, kind)
            self.assertEqual(status, 200, told)
        self.assertEqual(daemon.loads(), [5, None])

    def test_too_large(self) -> None:
        """A body that does not end is cut off, and the next one is taken."""
        daemon = self.pushed()
        self.assertTrue(wait_until(lambda: self.cut_off(daemon)))
        daemon.push({"member": "m1", "load": 5})
        self.assertEqual(daemon.loads(), [5, None])

    def cut_off(self, daemon: WatchedDaemon) -> bool:
        """Send much; whether the server ends that."""
        with socket.create_connection(("127.0.0.1", daemon.http_port), 5) as peer:
            head = b"POST /api/v1/load HTTP/1.1\r\nHost: localhost\r\n"
            peer.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
            chunk = b"10000\r\n" + b"7" * 65536 + b"\r\n"
            try:
                for _ in range(64):
                    peer.sendall(chunk)
                return b"413" in peer.recv(4096)
            except (BrokenPipeError, ConnectionResetError):
                return True
