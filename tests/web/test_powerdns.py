"""PowerDNS' API, over real sockets on loopback."""

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.web.support import CONFIG, SiteCase

SERVER = "/api/v1/servers/localhost"
ZONE = f"{SERVER}/zones/example.org."
STATE = CONFIG.replace(
    "[server]",
    """\
[server]
state = "state"
[[server.tokens]]
name = "dns"
file = "dns.token"
may = ["records"]
[[server.tokens]]
name = "load"
file = "load.token"
may = ["load"]
""".rstrip(),
).replace('identity = "ns1"\n', "")
NEIGHBOURS = """
[zones."second.test"]
primary = ["127.0.0.1:1"]
"""


def rrset(name: str, rrtype: str, *contents: str, ttl: int = 60) -> dict[str, Any]:
    """An RRset to put in the place of what is there."""
    return {
        "name": name,
        "type": rrtype,
        "ttl": ttl,
        "changetype": "REPLACE",
        "records": [{"content": one, "disabled": False} for one in contents],
        "comments": [],
    }


def without(name: str, rrtype: str) -> dict[str, Any]:
    """An RRset that is to go."""
    return {"name": name, "type": rrtype, "changetype": "DELETE"}


class PowerdnsCase(SiteCase):
    """A server whose zone can be changed, by whoever has the token."""

    config = STATE + NEIGHBOURS
    secrets: ClassVar[Mapping[str, str]] = {
        "dns.token": "dns-secret\n",
        "load.token": "load-secret\n",
    }

    def setUp(self) -> None:
        """Serve it."""
        super().setUp()
        self.transfers.startService()
        self.addCleanup(self.transfers.stopService)

    async def ours(self, method: str, path: str, status: int, **more: Any) -> Any:
        """The JSON of a reply to whoever has the right token."""
        return await self.json(method, path, status, X_API_Key="dns-secret", **more)

    async def patch(self, *rrsets: dict[str, Any]) -> None:
        """A change that succeeds."""
        reply = await self.ask(
            "PATCH", ZONE, {"rrsets": list(rrsets)}, X_API_Key="dns-secret"
        )
        self.assertEqual((reply.status, reply.body), (204, b""))

    async def refused(self, *rrsets: Any, status: int = 422) -> str:
        """Why a change is refused."""
        body = {"rrsets": list(rrsets)}
        error = await self.ours("PATCH", ZONE, status, body=body)
        text = error["error"]
        assert isinstance(text, str)
        return text

    async def rrsets(self) -> dict[tuple[str, str], tuple[int, list[str]]]:
        """All RRsets: TTL and contents, by name and type."""
        told = await self.ours("GET", ZONE, 200)
        return {
            (one["name"], one["type"]): (
                one["ttl"],
                [record["content"] for record in one["records"]],
            )
            for one in told["rrsets"]
        }


class ReadTests(PowerdnsCase):
    """What is there to be read."""

    async def test_servers(self) -> None:
        """There is one server, which speaks a version that clients know."""
        (server,) = await self.ours("GET", "/api/v1/servers", 200)
        self.assertEqual(server["version"], "4.9.0")
        self.assertEqual(await self.ours("GET", SERVER, 200), server)
        self.assertEqual(await self.ours("GET", f"{SERVER}/config", 200), [])
        await self.ours("GET", "/api/v1/servers/elsewhere", 404)

    async def test_zones(self) -> None:
        """All zones that are ready, one of them, and none."""
        zones = await self.ours("GET", f"{SERVER}/zones?zone=example.org.", 200)
        self.assertEqual([zone["id"] for zone in zones], ["example.org."])
        self.assertEqual(zones[0]["serial"], 7)
        every = await self.ours("GET", f"{SERVER}/zones", 200)
        self.assertIn("example.org.", [zone["name"] for zone in every])
        none = await self.ours("GET", f"{SERVER}/zones?zone=nope.org.", 200)
        self.assertEqual(none, [])

    async def test_zone(self) -> None:
        """RRsets as PowerDNS gives them; the addresses of pools are not among them."""
        zone = await self.ours("GET", ZONE, 200)
        self.assertIn(
            {
                "name": "ns1.example.org.",
                "type": "A",
                "ttl": 3600,
                "records": [{"content": "192.0.2.53", "disabled": False}],
                "comments": [],
            },
            zone["rrsets"],
        )
        self.assertEqual(len(zone["rrsets"]), 3)
        query = "?rrset_name=example.org.&rrset_type=NS"
        (one,) = (await self.ours("GET", ZONE + query, 200))["rrsets"]
        self.assertEqual(one["records"][0]["content"], "ns1.example.org.")
        short = await self.ours("GET", ZONE + "?rrsets=false", 200)
        self.assertNotIn("rrsets", short)
        await self.ours("GET", f"{SERVER}/zones/nope.org.", 404)

    async def test_export(self) -> None:
        """A zone as a master file."""
        reply = await self.ask("GET", f"{ZONE}/export", X_API_Key="dns-secret")
        self.assertEqual(reply.type, "text/plain; charset=utf-8")
        lines = reply.body.decode().splitlines()
        self.assertIn("ns1.example.org.\t3600\tIN\tA\t192.0.2.53", lines)
        self.assertIn("; ftp.example.org. is the pool mirrors", lines)
        reply = await self.ask("HEAD", f"{ZONE}/export", X_API_Key="dns-secret")
        self.assertEqual((reply.status, reply.body), (200, b""))

    async def test_rights(self) -> None:
        """Whole zones are for those who may change them."""
        for path in ("/api/v1/servers", f"{SERVER}/zones", ZONE, f"{ZONE}/export"):
            await self.json("GET", path, 401)
            await self.json("GET", path, 403, X_API_Key="load-secret")
        await self.json("PATCH", ZONE, 401, body={"rrsets": []})

    async def test_methods(self) -> None:
        """Zones come from the config: none is made or removed here."""
        await self.ours("POST", f"{SERVER}/zones", 405, body={})
        await self.ours("DELETE", ZONE, 405)
        await self.ours("PUT", f"{ZONE}/notify", 200)
        await self.ours("PUT", f"{SERVER}/zones/nope.org./notify", 404)


class PatchTests(PowerdnsCase):
    """Changes of records."""

    async def test_replace_and_delete(self) -> None:
        """What is changed is saved, served, and the serial goes up."""
        before = await self.rrsets()
        await self.patch(
            rrset("www.example.org.", "A", "192.0.2.7", "192.0.2.8", ttl=300),
            rrset("t.example.org.", "TXT", '"a \\"b\\"" "c"'),
        )
        now = await self.rrsets()
        self.assertEqual(
            now["www.example.org.", "A"], (300, ["192.0.2.7", "192.0.2.8"])
        )
        self.assertEqual(now["t.example.org.", "TXT"], (60, ['"a \\"b\\"" "c"']))
        zone = await self.ours("GET", ZONE + "?rrsets=false", 200)
        self.assertEqual(zone["serial"], 8)
        saved = os.listdir(os.path.join(self.folder, "state", "zones"))
        self.assertIn("example.org.updates", saved)
        await self.patch(rrset("www.example.org.", "A", "192.0.2.9", ttl=300))
        www = (await self.rrsets())["www.example.org.", "A"]
        self.assertEqual(www, (300, ["192.0.2.9"]))
        await self.patch(
            without("www.example.org.", "A"), rrset("t.example.org.", "TXT")
        )
        self.assertEqual(self.less_soa(await self.rrsets()), self.less_soa(before))

    @staticmethod
    def less_soa(rrsets: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
        """All but what goes up with each change."""
        return {key: one for key, one in rrsets.items() if key[1] != "SOA"}

    async def test_no_change(self) -> None:
        """What is as it is to be leaves the serial alone."""
        await self.patch(rrset("ns1.example.org.", "A", "192.0.2.53", ttl=3600))
        await self.patch(without("nobody.example.org.", "A"))
        zone = await self.ours("GET", ZONE, 200)
        self.assertEqual(zone["serial"], 7)

    async def test_cname(self) -> None:
        """An alias may take the place of addresses at once, but not stand by them."""
        name = "www.example.org."
        await self.patch(rrset(name, "A", "192.0.2.7"))
        error = await self.refused(rrset(name, "CNAME", "ns1.example.org."))
        self.assertIn("Conflicts", error)
        await self.patch(rrset(name, "CNAME", "ns1.example.org."), without(name, "A"))
        now = await self.rrsets()
        self.assertEqual(now[name, "CNAME"], (60, ["ns1.example.org."]))
        self.assertNotIn((name, "A"), now)

    async def test_name_servers(self) -> None:
        """Those of the zone may be others, but not none."""
        await self.patch(rrset("example.org.", "NS", "ns2.example.org.", ttl=9))
        now = await self.rrsets()
        self.assertEqual(now["example.org.", "NS"], (9, ["ns2.example.org."]))
        error = await self.refused(without("example.org.", "NS"))
        self.assertIn("no name server", error)

    async def test_soa(self) -> None:
        """The SOA may come along as it is, with whatever serial."""
        name = "example.org."
        soa = (await self.rrsets())[name, "SOA"]
        await self.patch(rrset(name, "SOA", *soa[1], ttl=soa[0]))
        other = soa[1][0].replace("hostmaster", "somebody")
        error = await self.refused(rrset(name, "SOA", other, ttl=soa[0]))
        self.assertIn("file", error)
        await self.refused(without(name, "SOA"))

    async def test_pool(self) -> None:
        """What a pool answers for is not changed, and nothing beside it either."""
        good = rrset("www.example.org.", "A", "192.0.2.7")
        for change in (
            rrset("ftp.example.org.", "A", "192.0.2.7"),
            rrset("FTP.example.org.", "TXT", '"x"'),
            without("ftp.example.org.", "AAAA"),
        ):
            error = await self.refused(good, change)
            self.assertIn('the pool "mirrors"', error)
            self.assertFalse(error.startswith("Could not find domain"))
        self.assertNotIn(("www.example.org.", "A"), await self.rrsets())

    async def test_bad_rrsets(self) -> None:
        """Each mistake is told, and nothing is changed."""
        name = "www.example.org."
        good = rrset(name, "A", "192.0.2.7")
        for bad in (
            7,
            {},
            {**good, "name": 7},
            {**good, "name": "www.example.org"},
            {**good, "name": "a..example.org."},
            {**good, "name": "www.example.net."},
            {**good, "type": "LUA"},
            {**good, "type": "ANY"},
            {**good, "type": "TYPE99999"},
            {**good, "changetype": "TURN"},
            {**good, "ttl": None},
            {**good, "ttl": -1},
            {**good, "ttl": 2**31},
            {**good, "comments": [{"content": "x"}]},
            {**good, "records": [{"content": "192.0.2.7", "disabled": True}]},
            {**good, "records": [{}]},
            rrset(name, "A", "192.0.2.700"),
            rrset(name, "A", "192.0.2.7", "192.0.2.7"),
            rrset(name, "MX", "10 mail"),
            rrset(name, "SRV", "1 1 1 mail"),
            rrset(name, "TXT", '"a"\n"b"'),
            rrset(name, "TXT", chr(34)),
            rrset(name, "CNAME", "a.example.org.", "b.example.org."),
        ):
            self.assertTrue(await self.refused(bad), bad)
        self.assertIn("Duplicate", await self.refused(good, good))
        many = [rrset(f"a{n}.example.org.", "A", "192.0.2.7") for n in range(2049)]
        self.assertIn("4096", await self.refused(*many))
        await self.ours("PATCH", ZONE, 400, raw=b"{")
        await self.ours("PATCH", ZONE, 422, raw=b"[]")
        self.assertEqual((await self.ours("GET", ZONE, 200))["serial"], 7)

    async def test_fixed(self) -> None:
        """A zone that is not ours to change, or is not there, says so."""
        unknown = f"{SERVER}/zones/nope.org."
        await self.ours("PATCH", unknown, 404, body={"rrsets": []})
        second = f"{SERVER}/zones/second.test."
        error = await self.ours("PATCH", second, 422, body={"rrsets": []})
        self.assertIn("secondary", error["error"])
        await self.ours("GET", second, 503)

    async def test_taken_over(self) -> None:
        """While another process takes over nothing is promised."""
        self.transfers.hold(True)
        change = rrset("www.example.org.", "A", "192.0.2.7")
        self.assertIn("taking over", await self.refused(change, status=503))


class StatelessTests(SiteCase):
    """A server without a place to save changes in."""

    async def test_patch(self) -> None:
        """Records can be read, but not changed."""
        self.transfers.startService()
        self.addCleanup(self.transfers.stopService)
        body = {"rrsets": [rrset("www.example.org.", "A", "192.0.2.7")]}
        error = await self.json("PATCH", ZONE, 422, body=body)
        self.assertIn("[server] state", error["error"])
