"""Lists of members, weights, tokens with rights and events over HTTP."""

import os

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from dinamed.config.discovery import ApiDiscovery
from dinamed.config.settings import PoolSettings
from dinamed.discovery.service import DiscoveryService
from tests.discovery.test_service import Memory
from tests.web.support import CONFIG, SiteCase

LIST = "/api/v1/pools/mirrors/members"
ONE = {"name": "fra3", "addresses": ["192.0.2.7"]}


class MembersTests(SiteCase):
    """A list that is set over HTTP."""

    def serve(self, token_file: str | None) -> None:
        """Have the pool's members set here."""
        super().serve(token_file)
        self.memory = Memory()
        rules = ApiDiscovery(max_members=3)
        pool = PoolSettings(name="mirrors", select=(), discover=rules)
        object.__setattr__(
            self.parts,
            "discovery",
            DiscoveryService(Clock(), self.memory, self.memory, (pool,)),
        )

    async def test_list(self) -> None:
        """Add, read, replace, take away; each is kept."""
        self.assertEqual(await self.json("GET", LIST, 200), [])
        told = await self.json("POST", LIST, 201, body=ONE)
        self.assertEqual(told, [{**ONE, "weight": 1.0}])
        self.assertEqual(self.memory.kept["mirrors"][0].name, "fra3")
        await self.json("POST", LIST, 409, body=ONE)
        two = {"name": "fra4", "addresses": ["192.0.2.8"]}
        await self.json("POST", LIST, 201, body=[two])
        reply = await self.ask("DELETE", LIST + "/fra3")
        self.assertEqual((reply.status, reply.body), (204, b""))
        await self.json("DELETE", LIST + "/fra3", 404)
        told = await self.json("GET", LIST, 200)
        self.assertEqual([one["name"] for one in told], ["fra4"])
        await self.json("PUT", LIST, 200, body=[])

    async def test_match(self) -> None:
        """A change of a list that is another by now is refused."""
        reply = await self.ask("GET", LIST)
        (tag,) = reply.headers.getRawHeaders("etag") or [""]
        reply = await self.ask("PUT", LIST, [ONE], if_match=tag)
        self.assertEqual(reply.status, 200, reply.body)
        self.assertNotEqual(reply.headers.getRawHeaders("etag"), [tag])
        reply = await self.ask("PUT", LIST, [], if_match=tag)
        self.assertEqual(reply.status, 412)
        reply = await self.ask("PUT", LIST, [], if_match="*")
        self.assertEqual(reply.status, 200)

    async def test_at_once(self) -> None:
        """Of two who change the same list at the same time the second is refused."""
        reply = await self.ask("GET", LIST)
        (tag,) = reply.headers.getRawHeaders("etag") or [""]
        first = ensureDeferred(self.ask("PUT", LIST, [ONE], if_match=tag))
        second = ensureDeferred(self.ask("PUT", LIST, [], if_match=tag))
        statuses = sorted([(await first).status, (await second).status])
        self.assertEqual(statuses, [200, 412])

    async def test_bad(self) -> None:
        """What is no list of members changes nothing."""
        many = [{"name": f"m{n}", "addresses": ["192.0.2.9"]} for n in range(4)]
        lists: list[object] = [
            [{}],
            [{"name": "x"}],
            [ONE, ONE],
            [{**ONE, "x": 1}],
            many,
        ]
        for wrong in lists:
            with self.subTest(wrong):
                await self.json("PUT", LIST, 400, body=wrong)
        self.assertEqual(self.memory.kept, {})
        await self.json("PUT", "/api/v1/pools/nothing/members", 404, body=[])


class WeightTests(SiteCase):
    """Weights as orders."""

    async def test_weight(self) -> None:
        """Another weight holds until its end."""
        path = LIST + "/big"
        body = {"weight": 7, "for": 60, "by": "me", "reason": "why"}
        told = await self.json("PATCH", path, 200, body=body)
        self.assertEqual((told["weight"], told["weight_until"]), (7.0, 1_000_060.0))
        self.now += 61
        self.authority.manager.expire(self.now)
        told = await self.json("GET", "/api/v1/pools/mirrors", 200)
        weights = {one["name"]: one["weight"] for one in told["members"]}
        self.assertEqual(weights["big"], 3.0)
        await self.json("PATCH", path, 400, body={"weight": -1})
        await self.json("PATCH", LIST + "/nobody", 404, body={"weight": 1})

    async def test_events(self) -> None:
        """Who did what, when and why."""
        body = {"state": "drain", "by": "me", "reason": "disk"}
        await self.json("PUT", LIST + "/big", 200, body=body)
        await self.json("PATCH", LIST + "/big", 200, body={"weight": 7})
        self.authority.manager.health(
            "mirrors", "small/er", False, now=self.now, reason="no answer"
        )
        told = await self.json("GET", "/api/v1/events?since=1", 200)
        self.assertEqual(
            [(e["kind"], e["subject"], e["text"], e["by"], e["reason"]) for e in told],
            [
                ("order", "mirrors/big", "drain", "me", "disk"),
                ("order", "mirrors/big", "weight 7", "127.0.0.1", ""),
                ("verdict", "mirrors/small/er", "down", "", "no answer"),
                ("verdict", "mirrors", "no usable member", "", ""),
            ],
        )
        last = told[-1]["id"]
        self.assertEqual(
            await self.json("GET", f"/api/v1/events?since={last}", 200), []
        )
        for wrong in ("x", "-1", "9" * 40, "%ff"):
            await self.json("GET", f"/api/v1/events?since={wrong}", 400)


class TokenTests(SiteCase):
    """Tokens that may do some things."""

    config = CONFIG.replace("[server]", "[server]\n@TOKENS@", 1)

    def setUp(self) -> None:
        """Write the tokens first."""
        folder = self.mktemp()
        os.makedirs(folder)
        tables = []
        for name, right in (("jobs", "orders"), ("lists", "members")):
            path = os.path.abspath(os.path.join(folder, name))
            with open(path, "w") as file:
                file.write(f"{name}-open-sesame-{name}")
            os.chmod(path, 0o600)
            tables.append(f'{{ name = "{name}", file = "{path}", may = ["{right}"] }}')
        tokens = f"tokens = [{', '.join(tables)}]"
        self.config = self.config.replace("@TOKENS@", tokens)
        super().setUp()

    async def test_rights(self) -> None:
        """A token opens what it says, and is named as the one who did it."""
        order = {"state": "drain"}
        path = LIST + "/big"
        reply = await self.ask("PUT", path, order)
        self.assertEqual(reply.status, 401)
        for token, status in (("jobs", 200), ("lists", 403), ("x", 403)):
            given = f"Bearer {token}-open-sesame-{token}"
            reply = await self.ask("PUT", path, order, authorization=given)
            self.assertEqual(reply.status, status, reply.body)
        told = await self.json("GET", "/api/v1/pools/mirrors", 200)
        (one,) = [m for m in told["members"] if m["name"] == "big"]
        self.assertEqual(one["by"], "jobs")
        given = "jobs-open-sesame-jobs"
        reply = await self.ask("POST", "/api/v1/reload", {}, x_api_key=given)
        self.assertEqual(reply.status, 403)
        reply = await self.ask("PATCH", path, {"weight": 2}, x_api_key=given)
        self.assertEqual(reply.status, 200)
