"""Zones that BIND's tools have signed, as delv judges what the daemon makes of them."""

import subprocess
from pathlib import Path

import dns.message
import dns.rcode
import dns.rdatatype
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.key_files import file_stem
from tests.daemon.harness import Daemon, need_tool, wait_until
from tests.daemon.signed import KEYS, ZONE, Delv, write_pair

KEY = KEYS[ZONE]
TEXT = """\
$TTL 300
@ SOA ns1 hostmaster 7 7200 900 1209600 60
@ NS ns1
@ MX 10 www
ns1 A 127.0.0.1
www A 192.0.2.80
www TXT "quoted"
*.wild TXT "from the wildcard"
*.walias CNAME www
a.b.ent A 192.0.2.70
ins NS ns.ins
ns.ins A 127.0.0.1
sec NS ns1
sec DS 12345 13 2 0000000000000000000000000000000000000000000000000000000000000001
alias CNAME www
dangling CNAME nowhere
dn DNAME tree
x.tree HTTPS 1 www alpn="h2,h3"
"""
YES, NO = "fully validated", "negative response, fully validated"
ROWS = (
    ("@", "SOA", YES),
    ("@", "DNSKEY", YES),
    ("@", "MX", YES),
    ("www", "A", YES),
    ("www", "MX", NO),
    ("foo.wild", "TXT", YES),
    ("foo.wild", "A", NO),
    ("x.walias", "A", YES),
    ("nope", "A", NO),
    ("a.b.nope", "A", NO),
    ("b.ent", "A", NO),
    ("x.ent", "A", NO),
    ("sec", "DS", YES),
    ("ins", "DS", NO),
    ("alias", "A", YES),
    ("dangling", "A", YES),
    ("x.dn", "HTTPS", YES),
    ("0", "A", NO),
    ("zzz", "A", NO),
    ("mgmt", "TXT", NO),
)
CHAINS: tuple[tuple[str, ...], ...] = (
    (),
    ("-3", "-", "-H", "0"),
    ("-3", "AB", "-H", "2"),
)


def signed(folder: Path, chain: tuple[str, ...]) -> str:
    """The zone as dnssec-signzone signs it."""
    tool = need_tool("dnssec-signzone")
    write_pair(folder, KEY)
    stem = file_stem(KEY)
    (folder / "plain").write_text(f"{TEXT}$INCLUDE {stem}.key\n")
    command = [tool, "-z", *chain, "-o", ZONE, "-f", "signed", "plain", stem]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr)
    return (folder / "signed").read_text()


class PresignedTests(SynchronousTestCase):
    """The file's signatures and proofs are served, whatever answers."""

    def start(self, files: dict[str, str]) -> Daemon:
        """A running daemon."""
        daemon = Daemon(files, ZONE, ("127.0.0.1",))
        self.addCleanup(daemon.clean_up)
        daemon.start()
        return daemon

    def primary(self, chain: tuple[str, ...], threads: str) -> Daemon:
        """One that has the zone in a file."""
        folder = Path(self.mktemp())
        folder.mkdir()
        config = (
            f"[server]\nthreads = {threads}\n"
            f'[zones."{ZONE}"]\nfile = "zone"\ntransfer = ["127.0.0.1"]\n'
        )
        return self.start({"dinamed.toml": config, "zone": signed(folder, chain)})

    def judge(self, daemon: Daemon) -> None:
        """Every kind of answer is valid, over UDP and then TCP."""
        delv = Delv(daemon, KEY)
        for tcp in (False, True):
            for owner, rrtype, verdict in ROWS:
                name = ZONE if owner == "@" else f"{owner}.{ZONE}"
                found = delv.verdict(name, rrtype, tcp)
                self.assertEqual(found, verdict, (owner, rrtype, tcp))
        daemon.assert_quiet()

    def test_file(self) -> None:
        """With NSEC and NSEC3, from the plane and from Python."""
        for chain, threads in zip(CHAINS, ("1", "1", '"python"'), strict=True):
            daemon = self.primary(chain, threads)
            self.judge(daemon)
            daemon.stop()

    def test_secondary(self) -> None:
        """A zone that came from a primary is no less signed."""
        primary = self.primary(CHAINS[1], "1")
        config = (
            '[server]\nstate = "."\n'
            f'[zones."{ZONE}"]\nprimary = ["127.0.0.1:{primary.port}"]\n'
        )
        daemon = self.start({"dinamed.toml": config})

        def there() -> bool:
            return daemon.ask(ZONE, "SOA").rcode() == dns.rcode.NOERROR

        self.assertTrue(wait_until(there))
        self.judge(daemon)

    def test_without_do(self) -> None:
        """Nobody gets what they did not ask for."""
        daemon = self.primary((), "1")
        for name in ("www", "nope", "x.sec", "foo.wild"):
            reply = daemon.ask(f"{name}.{ZONE}", "A")
            for rrset in (*reply.answer, *reply.authority, *reply.additional):
                self.assertIn(
                    dns.rdatatype.to_text(rrset.rdtype), ("A", "SOA", "NS"), name
                )
        wanting = dns.message.make_query(f"x.sec.{ZONE}", "A", want_dnssec=True)
        found = {rrset.rdtype for rrset in daemon.send(wanting).authority}
        self.assertIn(dns.rdatatype.DS, found)
