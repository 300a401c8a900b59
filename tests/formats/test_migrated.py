"""Tests of configs of gdnsd and PowerDNS: what is read, made and left out."""

import os
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.check import load_all
from dinamed.formats.gdnsd import read_gdnsd, zone_name
from dinamed.formats.lua_calls import NotACallError, read_call
from dinamed.formats.migrated import Migration
from dinamed.formats.powerdns import NoZoneError, read_powerdns
from dinamed.formats.toml_text import table_lines
from dinamed.formats.vscf import VscfError, read_vscf
from tests.config.folder import FolderTestCase

APEX = "@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.53\n"
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


class TomlTests(SynchronousTestCase):
    """Tables as text."""

    @given(st.dictionaries(st.text(max_size=9), VALUES, max_size=4))
    def test_read_back(self, table: dict[str, Any]) -> None:
        """What is written is read back."""
        text = "\n".join(table_lines("a.b", table, ("two\nlines",)))
        self.assertEqual(tomllib.loads(text), {"a": {"b": table}})

    def test_tables(self) -> None:
        """Tables and lists of tables stand behind what is plain."""
        table = {"m": [{"x": 1, "y": 2}], "t": {"a.b": 0.5}, "s": [{"nearest": 3}]}
        text = "\n".join(table_lines("p", table))
        self.assertEqual(tomllib.loads(text), {"p": table})
        self.assertIn("[[p.m]]", text)
        self.assertIn("s = [{nearest = 3}]", text)


class MigrationCase(FolderTestCase):
    """What is made must pass the check."""

    def made(self, migration: Migration) -> dict[str, Any]:
        """The config as it is read back."""
        folder = os.path.join(self.folder, "out")
        os.makedirs(folder)
        for file in migration.files():
            with open(os.path.join(folder, file.name), "w") as stream:
                stream.write(file.text)
        path = os.path.join(folder, "dinamed.toml")
        self.assertEqual(load_all(path).problems, [])
        with open(path, "rb") as binary:
            return tomllib.load(binary)


class VscfTests(FolderTestCase):
    """The syntax of gdnsd's config."""

    def read(self, text: str) -> object:
        """What a text says."""
        return read_vscf(self.write("c", text))

    def test_forms(self) -> None:
        """Hashes, arrays, words, quotes, escapes and comments."""
        self.assertEqual(
            self.read(
                '# one\na => { b = [ 1, 2 3 ] c => "x y\\"\\065" }, d = e;comment\n'
                "f\\032g => {}"
            ),
            {"a": {"b": ["1", "2", "3"], "c": 'x y"A'}, "d": "e", "f g": {}},
        )
        self.assertEqual(self.read("{ a => b }"), {"a": "b"})

    def test_included(self) -> None:
        """A file stands for a hash; one that includes itself ends."""
        self.write("x.inc", "k => v")
        self.assertEqual(self.read('a => $include{"x.inc"}'), {"a": {"k": "v"}})
        self.assertEqual(self.read("$include{*.inc}"), {"k": "v"})
        self.write("c", "")
        self.assertRaises(VscfError, self.read, "a => $include{c}")

    def test_refused(self) -> None:
        """What is wrong, with its line."""
        for text in ("a", "a => ", "a => {", "a => [", "a => b a => c", "}", "a =>\n]"):
            with self.assertRaisesRegex(VscfError, r"c:\d+: "):
                self.read(text)

    @given(st.text('{}[]=>, ab"\\#$', max_size=40))
    def test_anything(self, text: str) -> None:
        """Any text is read or refused."""
        try:
            self.read(text)
        except VscfError:
            return


class GdnsdTests(MigrationCase):
    """Resources as pools."""

    def convert(self, config: str, zone: str) -> Migration:
        """Convert a config and the zone example.org."""
        os.mkdir(os.path.join(self.folder, "zones"))
        self.write("config", config)
        self.write("zones/example.org", APEX + zone)
        return read_gdnsd(self.folder)

    def test_names(self) -> None:
        """Names of files."""
        for file, name in (
            ("/z/Example.org", "example.org"),
            ("/z/0@27.2.0.192.in-addr.arpa.", "0/27.2.0.192.in-addr.arpa"),
            ("/z/ROOT_ZONE", "."),
        ):
            self.assertEqual(zone_name(file), name)

    def test_geoip(self) -> None:
        """A map becomes names for places, in the order that the map has."""
        migration = self.convert(
            """
            plugins => { geoip => {
              maps => { m => {
                datacenters => [ us, eu ]
                map => { EU => { DE => [ de, eu ], default => [ eu, us ] }
                         NA => { US => { CA => [ us ] } }, AS => [] }
                nets => { 192.0.2.0/24 => [ eu, us ], 198.51.100.0/24 => [ de ] }
              } }
              resources => { r => { map => m, dcmap => {
                us => 192.0.2.1, eu => [ 192.0.2.2, 192.0.2.3 ]
                de => { plugin => weighted, a => [ 192.0.2.4, 3 ] }
              } } }
            } }
            """,
            "www 60 DYNA geoip!r\nwww-eu 60 DYNA geoip!r/eu\n",
        )
        self.assertEqual(migration.left, [])
        made = self.made(migration)
        zone = made["zones"]["example.org"]
        self.assertEqual(zone["targets"], ["region", "country", "continent", "@"])
        names = zone["names"]
        orders = {
            name: [one["name"] for one in made["pools"][names[name]]["members"]]
            for name in ("www", "www.europe", "www.de", "www.us-ca")
        }
        self.assertEqual(
            orders,
            {
                "www": ["us", "eu"],
                "www.europe": ["eu", "us"],
                "www.de": ["de", "eu"],
                "www.us-ca": ["us"],
            },
        )
        self.assertEqual(len(made["pools"][names["www-eu"]]["members"]), 2)
        nets = made["geo"]["networks"]
        self.assertEqual(nets, {"192.0.2.0/24": {"continent": "europe"}})
        notes = " ".join(migration.zones[0].notes)
        self.assertIn("asia: no answer there", notes)
        self.assertIn("nets 198.51.100.0/24: no place has this order", notes)

    def test_distance(self) -> None:
        """Coordinates of datacenters are locations."""
        migration = self.convert(
            """
            plugins => { geoip => {
              maps => { m => { datacenters => [ a, b ]
                auto_dc_coords => { a => [ 38.9, -77 ], b => [ 50, 8 ] } } }
              resources => { r => { map => m, dcmap => {
                a => 192.0.2.1, b => 192.0.2.2 } } }
            } }
            """,
            "www 60 DYNA geoip!r\n",
        )
        made = self.made(migration)
        pool = made["pools"][made["zones"]["example.org"]["names"]["www"]]
        self.assertEqual(pool["select"], ["nearest", "all"])
        self.assertEqual(pool["members"][0]["location"], [38.9, -77.0])

    def test_checks(self) -> None:
        """Service types are checks, with thresholds and times."""
        migration = self.convert(
            """
            service_types => {
              web => { plugin => http_status, url_path => /up, vhost => a.example
                       ok_codes => [ 200, 204 ], timeout => 20, up_thresh => 5 }
              cmd => { plugin => extmon, cmd => [ /bin/true, "%%ITEM%%" ] }
              odd => { plugin => extfile, file => x }
            }
            plugins => { multifo => {
              up_thresh => 0.7
              r => { service_types => [ web, cmd, odd, down ], a => 192.0.2.1 }
            } }
            """,
            "www 60 DYNA multifo!r\n",
        )
        made = self.made(migration)
        pool = made["pools"]["r"]
        web, cmd = pool["check"]
        self.assertEqual(web["url"], "http://{address}/up")
        self.assertEqual((web["host"], web["codes"]), ("a.example", [200, 204]))
        self.assertEqual((web["rise"], web["fall"], web["timeout"]), (5, 10, 9))
        self.assertEqual(cmd["command"], ["/bin/true", "{address}"])
        self.assertEqual(pool["healthy_share"], 0.7)
        notes = migration.pools["r"].notes
        self.assertEqual(len(notes), 3, notes)

    def test_groups(self) -> None:
        """Groups are pools that weigh what is usable in them; multi is `each`."""
        migration = self.convert(
            """
            plugins => { weighted => {
              one => { east => { a => [ 192.0.2.1, 3 ], b => [ 192.0.2.2, 1 ] }
                       west => { c => [ 192.0.2.3, 4 ] } }
              two => { multi => true, a => [ 192.0.2.1, 3 ], b => [ 192.0.2.2, 1 ] }
              three => { multi => true
                         east => { a => [ 192.0.2.1, 3 ] }
                         west => { c => [ 192.0.2.3, 4 ], d => [ 192.0.2.4, 1 ] } }
            } }
            """,
            "one 60 DYNA weighted!one\ntwo 60 DYNA weighted!two\n"
            "three 60 DYNA weighted!three\n",
        )
        pools = self.made(migration)["pools"]
        self.assertEqual(
            pools["one"]["members"],
            [
                {"name": "east", "pool": "one-east", "usable_weight": True},
                {"name": "west", "pool": "one-west", "usable_weight": True},
            ],
        )
        selects = {name: pool["select"] for name, pool in pools.items()}
        self.assertEqual(selects["one"], ["weighted"])
        self.assertEqual(
            (selects["one-east"], selects["one-west"]), (["each"], ["all"])
        )
        self.assertEqual(selects["two"], ["each"])
        self.assertEqual(selects["three"], ["each"])
        self.assertEqual(selects["three-west"], ["weighted"])
        self.assertEqual(pools["one"]["healthy_share"], 0.5)
        self.assertEqual([one.notes for one in migration.pools.values()], [[]] * 7)

    def test_left_out(self) -> None:
        """What can't be said is told, and the rest is there."""
        migration = self.convert(
            "plugins => { reflect => {}, weighted => { w => { a => [ x., 1 ] } } }",
            "a DYNA reflect!x\nb DYNC weighted!w\nc DYNA multifo!none\n"
            "$ADDR_LIMIT_V4 3\nd 60 A 192.0.2.1\n",
        )
        self.assertEqual(len(migration.left), 3, migration.left)
        self.assertEqual(
            self.made(migration)["zones"]["example.org"], {"file": "example.org.zone"}
        )

    def test_owners(self) -> None:
        """Records that go on with the owner of a dynamic one keep it."""
        migration = self.convert(
            "plugins => { static => { s => 192.0.2.1 } }",
            "$ORIGIN sub.example.org.\nw 60 DYNA static!s\n\n  MX 10 ns1\n  TXT x\n"
            "  120 DYNA static!s\n",
        )
        text = migration.zones[0].text
        self.assertIn("\nw  MX 10 ns1\n  TXT x\n", text)
        self.assertEqual(migration.zones[0].names, {"w.sub": "s-2"})


class LuaTests(SynchronousTestCase):
    """Calls of functions."""

    def test_read(self) -> None:
        """Texts, numbers, tables, with and without keys."""
        call = read_call("f(443, {'a', \"b\\\"\"}, {x=true, ['y z'] = {{1.5,'c'}}}) ;")
        self.assertEqual(call.function, "f")
        wanted = (443.0, ["a", 'b"'], {"x": True, "y z": [[1.5, "c"]]})
        self.assertEqual(call.arguments, wanted)

    @given(st.text("f(){}',=1a \"\\;", max_size=30))
    def test_anything(self, text: str) -> None:
        """Any text is a call or is refused."""
        try:
            read_call(text)
        except NotACallError:
            return

    def test_programs(self) -> None:
        """What is no call of fixed values."""
        for text in (";if a then", "f", "f(g())", "f(1)..g(2)", "f(x)", "f({a+1})"):
            self.assertRaises(NotACallError, read_call, text)


class PowerDnsTests(MigrationCase):
    """LUA records as pools."""

    def convert(self, text: str) -> Migration:
        """Convert a zone file."""
        return read_powerdns(self.write("z", f"$ORIGIN example.org.\n{APEX}{text}"))

    def test_checks(self) -> None:
        """URLs and ports, sets in order, options."""
        migration = self.convert(
            "u 60 IN LUA A \"ifurlup('https://www.example.org:8443/x', {{'192.0.2.1'},"
            "{'192.0.2.2','192.0.2.3'}}, {stringmatch='a.b', source='192.0.2.9', "
            'httpcode=204, interval=2, timeout=3, minimumFailures=4})"\n'
        )
        pool = self.made(migration)["pools"]["u"]
        check = pool["check"]
        self.assertEqual(check["url"], "https://{address}:8443/x")
        self.assertEqual(check["host"], "www.example.org:8443")
        self.assertEqual((check["body"], check["codes"]), ("a\\.b", [204]))
        self.assertEqual((check["source"], check["fall"]), ("192.0.2.9", 4))
        self.assertEqual(pool["select"], ["priority", "weighted"])
        ranks = [member.get("priority") for member in pool["members"]]
        self.assertEqual(ranks, [1, 2, 2])

    def test_left_out(self) -> None:
        """Programs, other types, names, unknown functions."""
        migration = self.convert(
            'a LUA A ";return \'x\'"\nb LUA TXT "os.date()"\n'
            "c LUA CNAME \"pickrandom({'x.example'})\"\n"
            'd LUA A "pickrandom({\'x.example\'})"\ne LUA A "createForward()"\n'
        )
        self.assertEqual(len(migration.left), 5)
        self.assertIn("see $GENERATE", migration.left[-1])

    def test_control_entries(self) -> None:
        """They stay as they are behind a record that is taken out."""
        made = self.convert(
            "w LUA A \"ifportup(80, {'192.0.2.1'})\"\n"
            "$GENERATE 1-2 h$ A 192.0.2.$\n"
            "$ORIGIN .\n"
            "v.example.org LUA A \"ifportup(80, {'192.0.2.2'})\"\n"
        )
        zone = made.zones[0]
        self.assertIn("\n$GENERATE 1-2 h$ A 192.0.2.$\n$ORIGIN .\n", zone.text)
        self.assertEqual(list(zone.names), ["w", "v"])

    def test_root(self) -> None:
        """The apex of the root is an apex too."""
        path = self.write("z", "@ LUA A \"ifportup(80, {'192.0.2.1'})\"\n")
        self.assertEqual(list(read_powerdns(path, ".").zones[0].names), ["@"])

    def test_zone(self) -> None:
        """The zone's name by the SOA, by $ORIGIN, or as told."""
        self.assertEqual(self.convert("").zones[0].name, "example.org")
        path = self.write("z", APEX.replace("@ SOA", "a.example. 60 IN SOA"))
        self.assertEqual(read_powerdns(path).zones[0].name, "a.example")
        path = self.write("z", APEX)
        self.assertRaises(NoZoneError, read_powerdns, path)
        self.assertEqual(read_powerdns(path, "b.example").zones[0].name, "b.example")
