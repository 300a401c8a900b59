"""A secondary of another make that follows the catalog of the daemon."""

import signal

from tests.daemon.harness import Daemon, wait_until
from tests.daemon.transfer_peers import KEY, NAMED_CONFIG, Named
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
