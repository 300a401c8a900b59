"""Cookies of servers of other makes with the same secret (RFC 9018): NSD and Knot."""

import dns.edns
import dns.message
import dns.rcode

from tests.daemon.harness import Daemon, Server, write_files
from tests.daemon.references import KNOT_CONFIG, NSD_CONFIG, Knot, Nsd
from tests.daemon.scenario import CONFIG, FILES, ZONE, ZONE_TEXT, OwnDaemonCase

SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"
CLIENT = bytes.fromhex("2464c4abcf10c957")


class CookieNsd(Nsd):
    """NSD with the secret."""

    def __init__(self) -> None:
        super().__init__(ZONE, ZONE_TEXT)
        settings = {"port": self.port, "folder": self.folder, "zone": ZONE}
        keys = f'server:\n    answer-cookie: yes\n    cookie-secret: "{SECRET}"'
        config = NSD_CONFIG.format(**settings).replace("server:", keys, 1)
        write_files(self.folder, {"nsd.conf": config})


class CookieKnot(Knot):
    """Knot with the secret, which answers without a good cookie with BADCOOKIE."""

    def __init__(self) -> None:
        super().__init__(ZONE, ZONE_TEXT)
        settings = {"port": self.port, "folder": self.folder, "zone": ZONE}
        config = KNOT_CONFIG.format(**settings)
        config = config.replace(
            "zone:\n",
            f"mod-cookies:\n  - id: shared\n    secret: 0x{SECRET}\n"
            "template:\n  - id: default\n    global-module: mod-cookies/shared\n"
            "zone:\n",
            1,
        )
        write_files(self.folder, {"knot.conf": config})


class PeerTests(OwnDaemonCase):
    """One learns a cookie here and uses it there."""

    def dinamed(self) -> Daemon:
        """Ours, which insists on good cookies."""
        keys = '[server]\ncookies = "require"\ncookie_secret_file = "secret"\n'
        config = CONFIG.replace("[server]\n", keys, 1)
        daemon = Daemon({**FILES, "dinamed.toml": config, "secret": SECRET})
        self.addCleanup(daemon.clean_up)
        (daemon.folder / "secret").chmod(0o600)
        daemon.start()
        return daemon

    def ask(self, server: Server, cookie: bytes) -> tuple[int, bytes]:
        """The rcode, and the cookie that comes back."""
        option = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)
        query = dns.message.make_query(f"www.{ZONE}", "A", flags=0)
        query.use_edns(0, options=[option])
        reply = server.send(query)
        (back,) = (o for o in reply.options if isinstance(o, dns.edns.CookieOption))
        return reply.rcode(), bytes(back.client) + bytes(back.server)

    def check(self, peer: Server) -> None:
        """Both ways."""
        self.addCleanup(peer.clean_up)
        peer.start()
        ours = self.dinamed()
        _, theirs = self.ask(peer, CLIENT)
        self.assertEqual(self.ask(ours, theirs), (dns.rcode.NOERROR, theirs))
        rcode, made = self.ask(ours, CLIENT)
        self.assertEqual(rcode, dns.rcode.BADCOOKIE)
        rcode, back = self.ask(peer, made)
        self.assertEqual(rcode, dns.rcode.NOERROR)
        self.assertEqual(back[8:12], b"\1\0\0\0")
        forged = made[:-1] + bytes((made[-1] ^ 1,))
        self.assertEqual(self.ask(ours, forged)[0], dns.rcode.BADCOOKIE)

    def test_nsd(self) -> None:
        """NSD."""
        self.check(CookieNsd())

    def test_knot(self) -> None:
        """Knot DNS."""
        self.check(CookieKnot())
