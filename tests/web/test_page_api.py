"""What the dashboard asks for: members found, names, zones, the map, what is wrong."""

from tests.web.support import SiteCase

PLACED = """\
[server]
identity = "ns1"
[zones."example.org"]
file = "example.org.zone"
[zones."example.org".names]
ftp = "mirrors"
"@" = "mirrors"
"*.cdn" = "other"
[geo.networks]
"10.1.0.0/16" = { country = "DE", location = [50.1, 8.7] }
"10.2.0.0/16" = { country = "US", location = [40.7, -74.0] }
[pools.mirrors]
ttl = "30-300"
select = [{spill = {flow = 0.001, price = 100}}]
load = {type = "push"}
[[pools.mirrors.members]]
name = "fra1"
addresses = ["198.51.100.1", "2001:db8::1"]
location = [50.1, 8.7]
capacity = 10
[[pools.mirrors.members]]
name = "nyc1"
addresses = ["198.51.100.2"]
location = [40.7, -74.0]
capacity = 10
[pools.other]
[[pools.other.members]]
name = "one"
addresses = ["203.0.113.1"]
country = "FR"
"""


class PlacedCase(SiteCase):
    """A server with two pools, whose clients' places are known."""

    config = PLACED

    async def report(self, **loads: float) -> None:
        """Post loads of members."""
        body = [{"member": name, "load": load} for name, load in loads.items()]
        await self.json("POST", "/api/v1/load", 200, body=body)

    async def order(self, target: str, state: str) -> None:
        """Order a state of POOL/MEMBER."""
        pool, _, member = target.partition("/")
        path = f"/api/v1/pools/{pool}/members/{member}"
        await self.json("PUT", path, 200, body={"state": state})


class FoundTests(PlacedCase):
    """Members by words and kind, a page at a time."""

    async def test_worst_first(self) -> None:
        """Those that are down, over or drained come before all others."""
        await self.report(fra1=9.5, nyc1=1)
        await self.order("other/one", "drain")
        found = await self.json("GET", "/api/v1/members", 200)
        self.assertEqual(
            [(one["pool"], one["name"], one["kind"]) for one in found["members"]],
            [
                ("mirrors", "fra1", "over"),
                ("other", "one", "drain"),
                ("mirrors", "nyc1", "up"),
            ],
        )
        self.assertEqual(
            found["counts"], {"down": 0, "over": 1, "drain": 1, "out": 0, "up": 1}
        )

    async def test_words(self) -> None:
        """All words must be in the name or in an address; counts are of all kinds."""
        for find, names in (
            ("MIRRORS/", ["fra1", "nyc1"]),
            ("2001:db8::1", ["fra1"]),
            ("mirrors .100.2", ["nyc1"]),
            ("mirrors one", []),
        ):
            path = f"/api/v1/members?find={find.replace(' ', '+')}"
            found = await self.json("GET", path, 200)
            self.assertEqual([one["name"] for one in found["members"]], names)
            self.assertEqual(found["found"], len(names))
        found = await self.json("GET", "/api/v1/members?kind=down", 200)
        self.assertEqual((found["found"], found["counts"]["up"]), (0, 3))

    async def test_pages(self) -> None:
        """Pages follow one another."""
        found = await self.json("GET", "/api/v1/members?first=1&most=1", 200)
        self.assertEqual([one["name"] for one in found["members"]], ["nyc1"])
        self.assertEqual(found["found"], 3)
        found = await self.json("GET", "/api/v1/members?pool=other", 200)
        self.assertEqual([one["name"] for one in found["members"]], ["one"])

    async def test_wrong(self) -> None:
        """What can't be meant is refused."""
        for query, status, text in (
            ("kind=sick", 400, "kind: must be one of down, over, drain, out, up"),
            ("most=201", 400, "most: must be a number from 0 to 200"),
            ("first=-1", 400, "first: must be a number from 0 to 10000000"),
            ("pool=nope", 404, 'no pool "nope"'),
        ):
            told = await self.json("GET", f"/api/v1/members?{query}", status)
            self.assertIn(text.split('"')[0], told["error"])


class NamesTests(PlacedCase):
    """Bound names, and zones."""

    async def test_names(self) -> None:
        """Whole names with their pools, by a part and by the pool."""
        names = await self.json("GET", "/api/v1/names", 200)
        self.assertEqual(
            names,
            [
                {"name": "ftp.example.org", "pool": "mirrors"},
                {"name": "example.org", "pool": "mirrors"},
                {"name": "*.cdn.example.org", "pool": "other"},
            ],
        )
        names = await self.json("GET", "/api/v1/names?find=FTP", 200)
        self.assertEqual([one["name"] for one in names], ["ftp.example.org"])
        names = await self.json("GET", "/api/v1/names?pool=other&most=1", 200)
        self.assertEqual([one["pool"] for one in names], ["other"])

    async def test_zones(self) -> None:
        """Zones with serial and size, and how many there are."""
        told = await self.json("GET", "/api/v1/zones", 200)
        zone = {"name": "example.org.", "serial": 7, "records": 3}
        self.assertEqual(told, {"found": 1, "zones": [zone]})
        told = await self.json("GET", "/api/v1/zones?find=com", 200)
        self.assertEqual(told, {"found": 0, "zones": []})


class MapTests(PlacedCase):
    """Where clients go, and what it costs."""

    def ask_from(self, *networks: int) -> None:
        """Have clients of these networks of 10.0.0.0/8 been seen."""
        for network in networks:
            self.parts.stack.samples.saw(bytes((10, network, 0, 1)))

    async def test_nearest(self) -> None:
        """With room everywhere all go to the nearest."""
        await self.report(fra1=1, nyc1=1)
        self.ask_from(1, 1, 1, 2)
        told = await self.json("GET", "/api/v1/map?pool=mirrors", 200)
        self.assertEqual(
            [(one["country"], one["member"], one["share"]) for one in told["flows"]],
            [("DE", "fra1", 0.75), ("US", "nyc1", 0.25)],
        )
        self.assertEqual((told["spilled"], told["detour"]), (0, 0))
        self.assertEqual(told["members"][0]["at"], [50.1, 8.7])

    async def test_spills(self) -> None:
        """A full member's clients go farther; it has a price."""
        await self.report(fra1=13, nyc1=1)
        self.ask_from(1, 2)
        told = await self.json("GET", "/api/v1/map?pool=mirrors", 200)
        self.assertEqual([one["member"] for one in told["flows"]], ["nyc1", "nyc1"])
        self.assertEqual(told["spilled"], 0.5)
        self.assertAlmostEqual(told["detour"], told["flows"][0]["detour"] / 2)
        fra1 = told["members"][0]
        self.assertEqual((fra1["name"], fra1["kind"]), ("fra1", "over"))
        self.assertGreater(fra1["price"], 90)
        # 62 ms lie between them: to send clients away is dearer nowhere.
        self.assertTrue(fra1["short"])
        self.assertFalse(told["members"][1]["short"])

    async def test_without_places(self) -> None:
        """A pool that goes by no cost has flows without detours."""
        self.ask_from(1)
        told = await self.json("GET", "/api/v1/map?pool=other", 200)
        self.assertEqual((told["spilled"], told["detour"]), (None, None))
        self.assertEqual(told["flows"][0]["member"], "one")
        self.assertEqual(told["members"][0]["at"], [47, 2])
        self.parts.stack.samples.recent.clear()
        self.ask_from(0)
        told = await self.json("GET", "/api/v1/map?pool=other", 200)
        self.assertEqual(told["flows"], [])
        await self.json("GET", "/api/v1/map?pool=nope", 404)
        await self.json("GET", "/api/v1/map", 400)


class WrongTests(PlacedCase):
    """The banner's lines."""

    async def test_lines(self) -> None:
        """The worst comes first, and names its pool."""
        self.assertNotIn(b'"text"', self.events._live.tick())
        await self.report(fra1=9.9, nyc1=1)
        await self.order("other/one", "down")
        await self.order("mirrors/nyc1", "drain")
        self.reloading.last_good = False
        tick = self.events._live.tick().decode()
        lines = [
            "other has no usable member: when_down = “all” decides",
            "The last reload was refused",
            "mirrors: 1 of 2 members out",
            "mirrors: 1 member at 90 % or more",
        ]
        places = [tick.index(line) for line in lines]
        self.assertEqual(places, sorted(places))
