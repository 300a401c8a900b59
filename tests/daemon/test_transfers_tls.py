"""Transfers over TLS (RFC 9103), in both directions, with BIND and with itself."""

import re
from pathlib import Path

from tests.daemon.harness import Daemon, Server, free_port, wait_until
from tests.daemon.transfer_peers import KEY, ZONE, Named
from tests.daemon.transferring import (
    KEYS,
    ZONE_FILE,
    TransferCase,
    primary_config,
    records,
    serial,
)
from tests.health.certificates import key_and_certificate

NAME = "ns1.example.org"
NAMED_TLS = """
tls local {{ key-file "{folder}/key.pem"; cert-file "{folder}/cert.pem"; }};
tls other {{ ca-file "{folder}/cert.pem"; remote-hostname "{name}"; }};
"""


def primary(port: int, more: str = "") -> str:
    """The daemon's zone comes from a port over TLS."""
    return f"""{KEYS}
[zones."{ZONE}"]
transfer = ["127.0.0.1"]
primary = [{{ address = "127.0.0.1:{port}", key = "{KEY}", tls = true, {more} }}]
"""


class TlsTests(TransferCase):
    """One certificate, that the primary has and the secondary knows."""

    def setUp(self) -> None:
        self.key, self.certificate = key_and_certificate(NAME)
        self.port = free_port(("127.0.0.1",))

    def give(self, folder: Path) -> None:
        """Write key and certificate."""
        (folder / "cert.pem").write_bytes(self.certificate)
        (folder / "key.pem").touch(0o600)
        (folder / "key.pem").write_bytes(self.key)

    def daemon(self, config: str) -> Daemon:
        """A daemon, not yet started."""
        daemon = Daemon({"zone": ZONE_FILE, "dinamed.toml": config}, ZONE)
        (daemon.folder / "state").mkdir()
        self.give(daemon.folder)
        return daemon

    def our_primary(self, notified: int = 9) -> Daemon:
        """A daemon that has the zone over TLS."""
        keys = (
            f'[server]\ntls = ["127.0.0.1:{self.port}"]\n'
            'certificate = "cert.pem"\nkey = "key.pem"'
        )
        return self.daemon(primary_config(notified).replace("[server]", keys))

    def named(self, port: int, zone: str | None) -> Named:
        """BIND, with TLS."""
        named = Named(port, zone)
        self.give(named.folder)
        config = named.folder / "config"
        text = config.read_text() + NAMED_TLS.format(folder=named.folder, name=NAME)
        listen = f"listen-on port {self.port} tls local {{ 127.0.0.1; }};"
        if zone is None:
            ours = f"primaries {{ 127.0.0.1 port {self.port} key {KEY} tls other; }}"
            text = re.sub("primaries {.*}", ours, text)
        else:
            text = text.replace("recursion no;", f"recursion no; {listen}")
        config.write_text(text)
        return named

    def get(self, server: Server, source: Server) -> None:
        """Both have the same zone in the end."""
        self.await_serial(server, 10)
        self.assertEqual(records(server, None), records(source, KEY))

    def test_bind_primary(self) -> None:
        """The daemon verifies BIND's certificate."""
        named = self.named(9, ZONE_FILE)
        trust = f'server_name = "{NAME}", ca = "cert.pem"'
        daemon = self.daemon(primary(self.port, trust))
        self.run_all([named, daemon])
        self.get(daemon, named)
        daemon.assert_quiet()

    def test_bind_secondary(self) -> None:
        """BIND verifies the daemon's."""
        daemon = self.our_primary()
        named = self.named(daemon.port, None)
        self.run_all([daemon, named])
        self.get(named, daemon)
        daemon.assert_quiet()

    def test_refused(self) -> None:
        """No zone from whom the certificate is not for, unless that is waived."""
        source = self.our_primary()
        stranger = self.daemon(primary(self.port, 'ca = "cert.pem"'))
        careless = self.daemon(primary(self.port, "verify = false"))
        self.run_all([source, stranger, careless])
        self.get(careless, source)
        why = "certificate refused: it is not for 127.0.0.1"
        self.assertTrue(wait_until(lambda: why in stranger.log, 20), stranger.log)
        self.assertEqual(serial(stranger), 0)
        stranger.assert_quiet()
