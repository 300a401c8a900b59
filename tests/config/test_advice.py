"""Tests of what is served, but was most likely not meant: in configs."""

import os
import socket
import time

from dinamed.config import compiled
from dinamed.config.check import load_all
from dinamed.config.compiled import compile_all
from dinamed.config.default import EXAMPLE
from tests.config.folder import FolderTestCase

ADDRESS = 'addresses = ["192.0.2.1"]'
GEO = '[geo.networks]\n"192.0.2.0/24" = {country = "DE"}\n'
ZONE = '[zones."example.org"]\nfile = "a.zone"\nnames = {ftp = "p"}\n'


def pool(keys: str = "", *members: str) -> str:
    """A pool that is bound, with one member unless some are given."""
    listed = "".join(f"{{{member}}}," for member in members or [f'name="m",{ADDRESS}'])
    return f"{ZONE}[pools.p]\n{keys}\nmembers = [{listed}]\n"


class AdviceTests(FolderTestCase):
    """Each warning of a config, and what is close to it and right."""

    def warned(self, text: str, *parts: str) -> None:
        """The config is good, and just these warnings (parts of them) are told."""
        self.write("dinamed.toml", text)
        everything = load_all(self.path)
        self.assertEqual(everything.problems, [])
        found = [str(one).removeprefix(self.path) for one in everything.warnings]
        self.assertEqual(len(found), len(parts), found)
        for one, part in zip(sorted(found), sorted(parts), strict=True):
            self.assertIn(part, one)
            self.assertIn("warning: ", one)

    def test_examples(self) -> None:
        """The built-in example and a plain pool."""
        self.assertEqual(load_all(EXAMPLE).warnings, ())
        self.warned(pool())

    def test_no_zone(self) -> None:
        """A config that serves nothing."""
        self.warned("", ": warning: zones: there is no zone")

    def test_doubled_names(self) -> None:
        """A name that ends in the zone's name twice, in names and aliases."""
        text = pool().replace("ftp =", '"ftp.example.org" =')
        self.warned(
            text,
            ':3: warning: zones."example.org".names."ftp.example.org": this is '
            "ftp.example.org.example.org.; if ftp.example.org. was meant",
        )
        self.warned(pool().replace("ftp =", '"ftp.example.org." ='))
        alias = pool().replace("names", 'aliases = {"x.example.org" = "ns1"}\nnames')
        self.warned(alias, 'aliases."x.example.org": this is x.example.org.example')

    def test_addresses(self) -> None:
        """Addresses that clients elsewhere can't reach."""
        for address in ("::ffff:192.0.2.1", "::192.0.2.1", "64:ff9b::c000:201"):
            self.warned(
                pool("", f'name = "m", addresses = ["192.0.2.1", "{address}"]'),
                ":6: warning: pools.p.members[0].addresses[1]: ",
            )
        for address in ("fe80::1", "169.254.1.1"):
            member = f'name = "m", addresses = ["{address}"]'
            self.warned(pool("", member), "good on its own link only")
        self.warned(pool("", 'name = "m", addresses = ["::1", "127.0.0.1"]'))

    def test_weights(self) -> None:
        """Weight 0 for all, or for all of a rank."""
        zero = [
            f'name = "{n}", weight = 0, addresses = ["192.0.2.{n}"]' for n in (1, 2)
        ]
        spare = 'name = "s", priority = 2, addresses = ["192.0.2.3"]'
        self.warned(pool("", *zero), "all members have weight 0")
        self.warned(pool("", *zero, spare))
        ranked = 'select = ["priority", "weighted"]'
        self.warned(pool(ranked, *zero, spare), "all members of priority 1 have weight")

    def test_places(self) -> None:
        """Stages that go by place, without places of clients or of members."""
        for stage, key in (
            ("country", 'country = "DE"'),
            ("nearest", "location = [1, 2]"),
            ("network", "asn = 64500"),
        ):
            keys = f'select = ["{stage}", "weighted"]'
            self.warned(pool(keys), "nothing is known of where clients are")
            self.warned(GEO + pool(keys), f'"{stage}": no member has')
            self.warned(GEO + pool(keys, f'name = "m", {ADDRESS}, {key}'))

    def test_targets(self) -> None:
        """Targets of a zone, and a zone of geodns with them."""
        text = pool().replace("names", 'targets = ["country", "@"]\nnames')
        self.warned(text, ':3: warning: zones."example.org".targets: nothing is known')
        self.warned(GEO + text)
        self.warned(text.replace("country", "ip"))
        labels = '"": {"ns": ["ns."]}, "www": {"a": [["192.0.2.1"]]}'
        self.write(
            "g.json", f'{{"data": {{{labels}, "www.de": {{"a": [["192.0.2.2"]]}}}}}}'
        )
        text = '[zones."g.example"]\ngeodns = "g.json"\n'
        self.warned(text, ':2: warning: zones."g.example".geodns: nothing is known')
        self.warned(GEO + text)

    def test_loads(self) -> None:
        """Stages that go by load, where none is known."""
        for stage in ("least", "predictive", "{best = 2}"):
            stage = stage if "{" in stage else f'"{stage}"'
            self.warned(pool(f"select = [{stage}]"), "goes by load, and none is ever")
        shed = 'select = [{shed = [0.5, 0.9]}, "weighted"]'
        self.warned(pool(shed), ':5: warning: pools.p.select[0]: "shed" goes by load')
        self.warned(pool('select = ["least"]', f'name = "m", load = 1, {ADDRESS}'))
        self.warned(pool('select = ["least"]\nload = {type = "push"}'))

    def test_unbound(self) -> None:
        """A pool that no name and no pool speaks of."""
        other = f'[pools.q]\nmembers = [{{name = "m", {ADDRESS}}}]\n'
        self.warned(pool() + other, ":7: warning: pools.q: nothing is bound to this")
        self.warned(pool('when_down = "q"') + other)
        self.warned(pool("", 'name = "q", pool = "q"') + other)

    def test_listen(self) -> None:
        """A name to listen on that can't be resolved."""

        def nowhere(host: str, *rest: object, **keys: object) -> object:
            if host.endswith(".invalid"):
                raise OSError(2, "no such name")
            return host

        self.patch(socket, "getaddrinfo", nowhere)
        self.warned(
            '[server]\nlisten = ["127.0.0.1", "ns1.invalid:53"]\n' + pool(),
            ":2: warning: server.listen[1]: ns1.invalid can't be resolved: no such",
        )

    def test_spill(self) -> None:
        """TTLs that `spill` does not do well with."""
        load = '\nselect = ["spill"]\nload = {type = "push"}'
        self.warned(pool("ttl = 300" + load), "pools.p.ttl: with a fixed TTL")
        self.warned(pool('ttl = "30-300"' + load))
        with open(os.path.join(self.folder, "a.zone"), "a") as file:
            file.write("@ 3600 NS ns2\nns2 3600 A 192.0.2.54\n")
        self.warned(pool('ttl = "30-300"' + load), "pools.p.ttl: servers that share")

    def test_flow(self) -> None:
        """A flow that is set, where a zone has several servers."""
        keys = 'select = [{predictive = {flow = 1}}]\nload = {type = "push"}'
        self.warned(pool(keys))
        with open(os.path.join(self.folder, "a.zone"), "a") as file:
            file.write("@ 3600 NS ns2\nns2 3600 A 192.0.2.54\n")
        self.warned(pool(keys), "pools.p.select[0].predictive.flow: the zone has")

    def test_undelegated(self) -> None:
        """A zone below another that does not delegate it."""
        text = ZONE.replace("names", "#") + (
            '[zones."sub.example.org"]\nfile = "b.zone"\n'
        )
        self.write("b.zone", b"@ 60 SOA a. b. 1 1 1 1 1\n@ 60 NS ns.example.net.\n")
        self.warned(text, "/a.zone: warning: sub.example.org.: a zone of this server")
        with open(os.path.join(self.folder, "a.zone"), "a") as file:
            file.write("sub 3600 NS ns.example.net.\n")
        self.warned(text)

    def test_kept(self) -> None:
        """A zone that is not read again keeps its warnings."""
        with open(os.path.join(self.folder, "a.zone"), "a") as file:
            file.write("x 3600 MX 10 none\n")
        self.write("dinamed.toml", ZONE.replace("names", "#"))
        self.patch(compiled, "FRESH", -(10**12))
        self.patch(time, "time_ns", lambda: 2**62)
        first = compile_all(self.path, {}, len)
        known = {zone.origin: zone.source for zone in first.zones}
        second = compile_all(self.path, known, len)
        self.assertEqual([zone.size for zone in second.zones], [0])
        self.assertEqual(len(first.warnings), 1)
        self.assertEqual(first.warnings, second.warnings)
