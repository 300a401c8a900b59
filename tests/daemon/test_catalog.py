"""Catalogs between the daemon and another server, both ways."""

import signal

import dns.query
import dns.tsigkeyring
import dns.update

from tests.daemon.harness import Daemon, wait_until
from tests.daemon.transfer_peers import KEY, NAMED_CONFIG, NAMED_PRIMARY, SECRET, Named
from tests.daemon.transferring import KEYS, ZONE_FILE, TransferCase

CATALOG = "cat.example"
FOLLOWED = """\
zone "{catalog}" {{
    type secondary;
    file "catalog";
    primaries {{ 127.0.0.1 port {other} key {key}; }};
}};
"""
OPTION = """\
options {{
    catalog-zones {{
        zone "{catalog}"
            default-primaries {{ 127.0.0.1 port {other} key {key}; }}
            min-update-interval 1;
    }};
    allow-transfer {{ any; }};
"""


class NamedByCatalog(Named):
    """BIND, which knows nothing but the catalog."""

    def config(self, primary: bool, settings: dict[str, object]) -> str:
        """A secondary of the catalog, and by it of its members."""
        named = {**settings, "catalog": CATALOG}
        text = NAMED_CONFIG.replace("options {{\n", OPTION)
        zone = FOLLOWED.format_map(named)
        return text.format_map({**named, "zone": zone, "notify": "no"})


class CatalogTests(TransferCase):
    """The daemon makes a catalog."""

    def setUp(self) -> None:
        files = {f"zones/{name}.zone": ZONE_FILE for name in ("a.example", "b.example")}
        self.daemon = Daemon({}, "a.example", ("127.0.0.1",))
        (self.daemon.folder / "state").mkdir()
        (self.daemon.folder / "zones").mkdir()
        for name in files:
            self.write(name.split("/")[1])
        self.peer = NamedByCatalog(self.daemon.port, None)
        config = KEYS.replace(
            "[server]", f'[server]\ncatalog = "{CATALOG}"\nzone_folder = "zones"'
        )
        config += f"""[zone_defaults]
transfer = ["key:{KEY}"]
notify = [{{ address = "127.0.0.1:{self.peer.port}", key = "{KEY}" }}]
"""
        (self.daemon.folder / "dinamed.toml").write_text(config)
        self.run_all([self.daemon, self.peer])
        self.addCleanup(self.daemon.assert_quiet)

    def write(self, name: str) -> None:
        """Another zone file in the folder."""
        text = ZONE_FILE.replace("example.org", name.removesuffix(".zone"))
        (self.daemon.folder / "zones" / name).write_text(text)

    def reload(self) -> None:
        """Have the daemon read the folder again."""
        self.daemon.send_signal(signal.SIGHUP)

    def await_answer(self, zone: str, rcode: int) -> None:
        """Wait until BIND answers so for a name of a zone."""
        self.assertTrue(
            wait_until(lambda: self.peer.ask(f"www.{zone}", "A").rcode() == rcode, 30),
            f"{zone}: not {rcode}\n{self.peer.log}\n{self.daemon.log}",
        )

    def test_bind(self) -> None:
        """BIND serves the members, and follows those that come and go at a reload."""
        for zone in ("a.example", "b.example"):
            self.await_answer(zone, 0)
        self.write("c.example.zone")
        self.reload()
        self.await_answer("c.example", 0)
        (self.daemon.folder / "zones" / "b.example.zone").unlink()
        self.reload()
        self.await_answer("b.example", 5)
        self.await_answer("a.example", 0)


MEMBERS = ("a.example", "b.example", "c.example")
CATALOG_FILE = """\
$ORIGIN cat.example.
$TTL 0
@ SOA invalid. invalid. 1 3600 600 2147483646 0
@ NS invalid.
version TXT "2"
a.zones PTR a.example.
b.zones PTR b.example.
own.zones PTR own.example.
"""


class NamedWithCatalog(Named):
    """BIND as primary of a catalog and of zones, not all of which that lists."""

    def config(self, primary: bool, settings: dict[str, object]) -> str:
        """Each zone has a file of its own."""
        zones = []
        for name in (CATALOG, *MEMBERS):
            text = NAMED_PRIMARY.replace('file "zone"', f'file "{name}"')
            zones.append(text.format_map({**settings, "name": name}))
            content = ZONE_FILE.replace("example.org", name)
            if name == CATALOG:
                content = CATALOG_FILE
            (self.folder / name).write_text(content)
        named = {**settings, "zone": "\n".join(zones), "notify": "explicit"}
        return NAMED_CONFIG.format_map(named)


class FollowingTests(TransferCase):
    """The daemon follows a catalog."""

    def setUp(self) -> None:
        own = ZONE_FILE.replace("example.org", "own.example")
        self.daemon = Daemon({"own": own}, "own.example", ("127.0.0.1",))
        (self.daemon.folder / "state").mkdir()
        self.peer = NamedWithCatalog(self.daemon.port, "")
        config = f"""{KEYS}
[catalogs."{CATALOG}"]
primary = ["127.0.0.1:{self.peer.port}"]
key = "{KEY}"
[zones."own.example"]
file = "own"
"""
        (self.daemon.folder / "dinamed.toml").write_text(config)
        self.run_all([self.peer, self.daemon])
        self.addCleanup(self.daemon.assert_quiet)

    def change(self, *changes: tuple[str, str, str]) -> None:
        """Replace records of the catalog at BIND; empty data: delete them."""
        ring = dns.tsigkeyring.from_text({KEY: SECRET})
        update = dns.update.UpdateMessage(f"{CATALOG}.", keyring=ring)
        for name, kind, data in changes:
            if data:
                update.replace(name, 0, kind, data)
            else:
                update.delete(name, kind)
        reply = dns.query.tcp(update, "127.0.0.1", 10, port=self.peer.port)
        self.assertEqual(reply.rcode(), 0)

    def await_answer(self, zone: str, rcode: int) -> None:
        """Wait until the daemon answers so for a name of a zone."""
        ask = self.daemon.ask
        self.assertTrue(
            wait_until(lambda: ask(f"www.{zone}", "A").rcode() == rcode, 30),
            f"{zone}: not {rcode}\n{self.daemon.log}\n{self.peer.log}",
        )

    def test_bind(self) -> None:
        """Zones come and go; a broken catalog changes nothing, over a restart too."""
        for zone in ("a.example", "b.example"):
            self.await_answer(zone, 0)
        self.await_answer("c.example", 5)
        self.assertIn("not taken", self.daemon.log)
        self.change(("c.zones", "PTR", "c.example."), ("b.zones", "PTR", ""))
        self.await_answer("c.example", 0)
        self.await_answer("b.example", 5)
        self.change(("version", "TXT", '"3"'), ("a.zones", "PTR", ""))
        self.assertTrue(
            wait_until(lambda: "broken catalog" in self.daemon.log), self.daemon.log
        )
        self.await_answer("a.example", 0)
        self.daemon.assert_quiet()
        self.daemon.stop()
        self.daemon.start()
        for zone in ("a.example", "c.example", "own.example"):
            self.await_answer(zone, 0)
        self.change(("version", "TXT", '"2"'))
        self.await_answer("a.example", 5)
        self.await_answer("c.example", 0)
