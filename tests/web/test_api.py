"""The HTTP API, over real sockets on loopback."""

import json
import os

from twisted.internet.defer import succeed

from dinamed import __version__
from dinamed.server.services import ReloadOutcome
from dinamed.takeover.sender import ReplaceOutcome
from dinamed.web.resources import MAX_BODY
from tests.web.support import SiteCase

TYPE = "content-type"
PUSH = {"member": "big", "load": 1}


class ApiTests(SiteCase):
    """Each address, its good and its bad requests."""

    async def test_health(self) -> None:
        """Health is a word, for load balancers and people."""
        reply = await self.ask("GET", "/healthz")
        self.assertEqual((reply.status, reply.body), (200, b"ok\n"))
        self.assertEqual(reply.type, "text/plain; charset=utf-8")

    async def test_dead(self) -> None:
        """What does not answer is named."""
        self.liveness.register("TCP x", lambda: succeed(False))
        self.liveness.register("UDP x", lambda: succeed(True))
        self.liveness.register("plane", lambda: succeed(False))
        error = await self.json("GET", "/healthz", 503)
        self.assertEqual(error, {"error": "no answer from: TCP x, plane"})

    async def test_ready(self) -> None:
        """Before the first round of checks is over the server is not ready."""
        self.ready = False
        error = await self.json("GET", "/readyz", 503)
        self.assertEqual(error, {"error": "the first round of checks is not over"})
        self.ready = True
        reply = await self.ask("GET", "/readyz")
        self.assertEqual((reply.status, reply.body), (200, b"ready\n"))

    async def test_head(self) -> None:
        """HEAD has the headers of GET and no body."""
        reply = await self.ask("HEAD", "/api/v1/status")
        self.assertEqual((reply.status, reply.body), (200, b""))

    async def test_status(self) -> None:
        """The server, its zones and pools."""
        self.now += 60
        status = await self.json("GET", "/api/v1/status", 200)
        self.assertEqual(status["version"], __version__)
        self.assertEqual(status["identity"], "ns1")
        self.assertEqual(status["up"], 60)
        self.assertEqual(
            status["zones"], [{"name": "example.org.", "serial": 7, "records": 3}]
        )
        self.assertEqual(status["pools"][0]["members"], 2)

    async def test_pools(self) -> None:
        """All pools, one pool, and one that does not exist."""
        (summary,) = await self.json("GET", "/api/v1/pools", 200)
        self.assertEqual(summary["name"], "mirrors")
        pool = await self.json("GET", "/api/v1/pools/mirrors", 200)
        self.assertEqual(pool["select"], ["hash"])
        self.assertEqual(pool["members"][0]["addresses"], ["192.0.2.1", "2001:db8::1"])
        error = await self.json("GET", "/api/v1/pools/nope", 404)
        self.assertIn("nope", error["error"])

    async def test_order(self) -> None:
        """An order takes hold, has an end, and can be lifted."""
        path = "/api/v1/pools/mirrors/members/big"
        body = {"state": "drain", "for": 7200}
        member = await self.json("PUT", path, 200, body=body)
        self.assertEqual(member["state"], "drain")
        self.assertEqual(member["until"], self.now + 7200)
        self.assertEqual(member["reason"], "drained by order of 127.0.0.1")
        member = await self.json("PUT", path, 200, body={"state": "auto"})
        self.assertEqual((member["state"], member["until"]), ("up", None))

    async def test_order_escaped_name(self) -> None:
        """A member's name may need escapes."""
        path = "/api/v1/pools/mirrors/members/small%2Fer"
        member = await self.json("PUT", path, 200, body={"state": "down"})
        self.assertEqual(member["name"], "small/er")

    async def test_order_refused(self) -> None:
        """Unknown members, states, keys, spans and broken bodies are told."""
        good = "/api/v1/pools/mirrors/members/big"
        for path, body, status in (
            ("/api/v1/pools/mirrors/members/nope", {"state": "up"}, 404),
            ("/api/v1/pools/nope/members/big", {"state": "up"}, 404),
            (good, {"state": "sideways"}, 400),
            (good, {"state": "up", "four": 3}, 400),
            (good, {"state": "up", "for": -1}, 400),
            (good, {"state": "up", "for": 1e300}, 400),
            (good, {"state": "up", "for": 5e-324}, 400),
            (good, [], 400),
        ):
            error = await self.json("PUT", path, status, body=body)
            self.assertTrue(error["error"])
        for raw in (b"", b"\xff", b"[" * 100_000):
            await self.json("PUT", good, 400, raw=raw)
        pool = await self.json("GET", "/api/v1/pools/mirrors", 200)
        self.assertEqual({m["order"] for m in pool["members"]}, {"auto"})

    async def test_load(self) -> None:
        """Reports are taken one by one, and show in the member's status."""
        items = [
            {"member": "big", "load": 3.5, "at": self.now - 5},
            {"member": "nobody", "load": 1},
            {"member": "small/er", "load": -1},
        ]
        told = await self.json("POST", "/api/v1/load", 200, body=items)
        self.assertEqual(told["taken"], 1)
        self.assertEqual([problem[:2] for problem in told["problems"]], ["1:", "2:"])
        pool = await self.json("GET", "/api/v1/pools/mirrors", 200)
        self.assertEqual(
            [(m["name"], m["load"], m["reported"]) for m in pool["members"]],
            [("big", 3.5, self.now - 5), ("small/er", None, None)],
        )

    async def test_load_refused(self) -> None:
        """A message without any sound report is an error, whatever it is."""
        for body in ({"member": "big"}, [], "x", [1], {"member": "big", "load": "1"}):
            error = await self.json("POST", "/api/v1/load", 400, body=body)
            self.assertTrue(error["error"])

    async def test_round_trips(self) -> None:
        """Samples are taken one by one, as a list or one a line."""
        good = {"pool": "mirrors", "member": "big", "client": "198.51.100.7", "rtt": 20}
        bad = {**good, "client": "198.0.0.0/8"}
        told = await self.json("POST", "/api/v1/rtt", 200, body=[good, bad])
        self.assertEqual(told["taken"], 1)
        self.assertIn("1: client is a network larger", told["problems"][0])
        lines = "\n".join([json.dumps(good), "{", "", json.dumps(bad), "5"])
        kind = {"content-type": "application/x-ndjson"}
        told = await self.json("POST", "/api/v1/rtt", 200, raw=lines.encode(), **kind)
        self.assertEqual(told["taken"], 1)
        numbers = [problem.partition(":")[0] for problem in told["problems"]]
        self.assertEqual(numbers, ["1", "2", "3"])
        await self.json("POST", "/api/v1/rtt", 400, body=[bad])

    async def test_explain(self) -> None:
        """Steps, answer and scope."""
        path = "/api/v1/explain?name=ftp.example.org&client=198.51.100.0/24"
        told = await self.json("GET", path, 200)
        self.assertEqual((told["rcode"], told["scope"]), ("NOERROR", 24))
        self.assertIn("hash", [step["topic"] for step in told["steps"]])
        self.assertRegex(told["answer"][0], r"^ftp.example.org. 60 IN A 192.0.2.[12]$")
        self.assertEqual(self.authority.engine.questions, 0)

    async def test_explain_refused(self) -> None:
        """What is asked wrongly is told."""
        for query in ("", "?name=a..b", "?name=a&type=NO", "?name=a&client=x"):
            error = await self.json("GET", "/api/v1/explain" + query, 400)
            self.assertTrue(error["error"])

    async def test_replace(self) -> None:
        """A replacement tells who answers then, or why it is the same process."""
        told = await self.json("POST", "/api/v1/replace", 200)
        self.assertEqual(told, {"pid": 7, "serving": "all of it"})
        self.replacing.outcome = ReplaceOutcome(5, "f:1: k: m\nno")
        told = await self.json("POST", "/api/v1/replace", 422)
        self.assertEqual(told["error"], "process 5 goes on")
        self.assertEqual(told["problems"], ["f:1: k: m", "no"])

    async def test_reload(self) -> None:
        """A reload says what is served, or all that is wrong."""
        told = await self.json("POST", "/api/v1/reload", 200)
        self.assertIn("1 zone", told["serving"])
        self.reloading.outcome = ReloadOutcome(False, ("f:1: k: m",))
        told = await self.json("POST", "/api/v1/reload", 422)
        self.assertEqual(told["problems"], ["f:1: k: m"])

    async def test_no_such_address(self) -> None:
        """Every unknown path is a JSON 404."""
        for path in ("/x", "/api", "/api/v2", "/api/v1/x", "/api/v1/status/x"):
            await self.json("GET", path, 404)
        await self.json("GET", "/api/v1/pools/mirrors/nothing", 404)
        await self.json("GET", "/api/v1/pools/%ff", 404)

    async def test_method(self) -> None:
        """A wrong method tells the right ones."""
        reply = await self.ask("DELETE", "/api/v1/status")
        self.assertEqual(reply.status, 405)
        self.assertEqual(reply.headers.getRawHeaders("allow"), ["GET, HEAD"])
        reply = await self.ask("GET", "/api/v1/reload")
        self.assertEqual(reply.headers.getRawHeaders("allow"), ["POST"])

    async def test_large_body(self) -> None:
        """A body over the limit is refused."""
        path = "/api/v1/pools/mirrors/members/big"
        told = await self.json("PUT", path, 413, raw=b" " * (MAX_BODY + 1))
        self.assertIn("larger than", told["error"])

    async def test_token(self) -> None:
        """With a token file, changes need the token, and reading does not."""
        path = "/api/v1/pools/mirrors/members/big"
        token_file = os.path.join(self.folder, "token")
        with open(token_file, "w") as file:
            file.write("s3cret\n")
        os.chmod(token_file, 0o600)
        self.serve(token_file)
        order = {"state": "up"}
        reply = await self.ask("PUT", path, order)
        self.assertEqual(reply.status, 401)
        self.assertEqual(reply.headers.getRawHeaders("www-authenticate"), ["Bearer"])
        await self.json("PUT", path, 403, body=order, authorization="Bearer wrong")
        await self.json("PUT", path, 200, body=order, authorization="Bearer s3cret")
        await self.json("GET", "/api/v1/pools", 200)

    async def test_unusable_token_file(self) -> None:
        """A token that everybody can read, or none, lets nobody in."""
        token_file = os.path.join(self.folder, "token")
        self.serve(token_file)
        for text, mode in (("", 0o600), ("s3cret", 0o644)):
            with open(token_file, "w") as file:
                file.write(text)
            os.chmod(token_file, mode)
            await self.json(
                "POST", "/api/v1/reload", 503, authorization="Bearer s3cret"
            )

    async def test_pages_of_other_origins(self) -> None:
        """A browser on this host does not lend its hands to a stranger's page."""
        for headers in (
            {"origin": "http://evil.example"},
            {"origin": "null"},
            {"origin": "http://[::1"},
            {"host": "evil.example"},
            {"host": "[::1"},
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site"},
        ):
            await self.json("POST", "/api/v1/reload", 403, **headers)

    async def test_pages_of_other_ports(self) -> None:
        """Another server on this host is another origin; our own page is none."""
        await self.json("POST", "/api/v1/reload", 403, origin="http://127.0.0.1:1")
        await self.json("POST", "/api/v1/reload", 403, origin="http://127.0.0.1")
        for origin in (self.base, self.base.upper()):
            own = {"origin": origin, "sec_fetch_site": "same-origin"}
            await self.json("POST", "/api/v1/reload", 200, **own)

    async def test_proxies(self) -> None:
        """A proxy on this host asks for others, who need a token."""
        for name in ("forwarded", "x_forwarded_for", "x_real_ip", "via"):
            told = await self.json("POST", "/api/v1/reload", 403, **{name: "1.1 x"})
            self.assertIn("proxy", told["error"])

    async def test_content_type(self) -> None:
        """JSON by its name or without one; other types are refused as such."""
        for kind in ("application/json; charset=utf-8", "application/merge-patch+json"):
            await self.json("POST", "/api/v1/load", 200, body=PUSH, **{TYPE: kind})
        await self.json("POST", "/api/v1/load", 200, body=PUSH)
        for kind in ("text/plain", "text/csv", "application/xml"):
            error = await self.json(
                "POST", "/api/v1/load", 415, body=PUSH, **{TYPE: kind}
            )
            self.assertIn(kind, error["error"])
