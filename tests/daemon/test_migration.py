"""Converted configs of gdnsd and PowerDNS: both are asked the same questions."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import dns.rcode
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import Daemon, Server, need, need_tool, program, write_files

APEX = """\
$TTL 600
@ SOA ns1 hostmaster 1 7200 3600 1209600 300
@ NS ns1
ns1 A 192.0.2.53
www CNAME all
txt TXT "a" b
d.e.f A 192.0.2.54
*.static A 192.0.2.55
"""
PLAIN = ("www", "txt", "e.f", "ns1", "x.static", "missing", "@", "d.e.f")
CONFIG = """\
options => { listen => 127.0.0.1:PORT, run_dir => FOLDER/run, state_dir => FOLDER/run }
service_types => {
  web => { plugin => tcp_connect, port => 9, interval => 2, timeout => 1
           up_thresh => 1, down_thresh => 1, ok_thresh => 1 }
}
plugins => {
  static => { one => 192.0.2.1 }
  simplefo => { fo => { primary => 192.0.2.11, secondary => 192.0.2.12 } }
  multifo => $include{"multifo.inc"}
  weighted => {
    w => { a => [ 192.0.2.41, 10 ], b => [ 192.0.2.42, 30 ] }
    m => { multi => true, a => [ 192.0.2.43, 5 ], b => [ 192.0.2.44, 5 ] }
    g => { g1 => { a => [ 192.0.2.51, 1 ], b => [ 192.0.2.52, 1 ] }
           g2 => { c => [ 192.0.2.53, 2 ] } }
    cn => { a => [ www.example.net., 10 ] }
  }
  metafo => { resources => {
    mf => { datacenters => [ d1, d2 ]
            dcmap => { d1 => %multifo!dead, d2 => [ 192.0.2.61, 192.0.2.62 ] } }
  } }
}
"""
MULTIFO = """\
all => { a => 192.0.2.21, b => 192.0.2.22, c => 192.0.2.23 }
both => { addrs_v4 => [ 192.0.2.31, 192.0.2.32 ], addrs_v6 => { x => 2001:db8::1 } }
dead => { service_types => web, a => 127.0.0.1, b => 127.0.0.9 }
"""
DYNAMIC = """\
one 60 DYNA static!one
fo 60/30 DYNA simplefo!fo
all 120 DYNA multifo!all
\tMX 10 ns1
both DYNA multifo!both
dead 60 DYNA multifo!dead
w 60 DYNA weighted!w
m 60 DYNA weighted!m
g 60 DYNA weighted!g
cn 60 DYNC weighted!cn
mf 60 DYNA metafo!mf
mf2 60 DYNA metafo!mf/d2
*.wild 60 DYNC weighted!w
"""
RESOURCES = ("one", "fo", "all", "both", "dead", "w", "m", "g", "mf", "mf2", "x.wild")

LUA = """\
all 120 IN LUA A "all({'192.0.2.21','192.0.2.22'})"
   IN MX 10 ns1
any 60 IN LUA A "pickrandom({'192.0.2.31','192.0.2.32'})"
any 60 IN LUA AAAA "pickrandom({'2001:db8::1'})"
w 60 IN LUA A "pickwrandom({{10,'192.0.2.41'},{30,'192.0.2.42'}})"
two 60 IN LUA A "pickrandomsample(2, {'192.0.2.51','192.0.2.52','192.0.2.53'})"
port 60 IN LUA A ( "ifportup(9, {'127.0.0.1','127.0.0.9'}, "
  "{selector='all', backupSelector='all', interval=1, timeout=1})" )
none 60 IN LUA A "ifportup(9, {'127.0.0.1'}, {backupSelector='empty', interval=1})"
*.n 60 IN LUA A "picknamehashed({{1,'192.0.2.61'},{1,'192.0.2.62'}})"
if 60 IN LUA A ";if country('DE') then return '192.0.2.71' else return '192.0.2.72' end"
when 60 IN LUA TXT "os.date()"
"""
NAMED = 'zone "example.org" { type native; file "FILE"; };\n'
FUNCTIONS = ("all", "any", "w", "two", "port", "a.n", "b.n", "c.n")


class Gdnsd(Server):
    """gdnsd with its folder."""

    def command(self) -> list[str]:
        """In the foreground."""
        return [need_tool("gdnsd"), "-c", str(self.folder), "start"]


class PowerDns(Server):
    """PowerDNS with its BIND backend."""

    def command(self) -> list[str]:
        """In the foreground."""
        return [need_tool("pdns_server"), f"--config-dir={self.folder}"]


class MigrationCase(SynchronousTestCase):
    """Asks both, and compares what may be answered."""

    def convert(self, kind: str, path: Path, into: Path, status: int) -> str:
        """Convert; what was said about it."""
        done = subprocess.run(
            [program("dinamed"), "convert", kind, str(path), "--out", str(into)],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, status, done.stderr)
        check = [program("dinamed"), "check", str(into / "dinamed.toml")]
        checked = subprocess.run(check, capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        return done.stderr

    def start(self, server: Server) -> None:
        """Start, and clean up after the test."""
        self.addCleanup(server.clean_up)
        server.start()

    def served(self, kind: str, path: Path, status: int = 1) -> Daemon:
        """The daemon with what was made of the other's config."""
        daemon = Daemon({}, addresses=["127.0.0.1"])
        self.told = self.convert(kind, path, daemon.folder, status)
        self.start(daemon)
        return daemon

    def compare(
        self, ours: Server, theirs: Server, names: Iterable[str], times: int
    ) -> int:
        """Ask both for each name, so many times; how many questions it were."""
        count = 0
        for name in names:
            full = "example.org." if name == "@" else f"{name}.example.org."
            for rrtype in ("A", "AAAA", "MX", "TXT", "SOA", "NS"):
                asked = times if rrtype == "A" else 3
                said = [
                    {answer_of(server, full, rrtype) for _ in range(asked)}
                    for server in (ours, theirs)
                ]
                self.assertEqual(said[0], said[1], (full, rrtype))
                count += 2 * asked
        return count


Answer = tuple[str, int | None, frozenset[str]]


def answer_of(server: Server, name: str, rrtype: str) -> Answer:
    """Reply code, TTL and data of an answer; aliases are left to the resolver."""
    reply = server.ask(name, rrtype)
    if rrtype == "TXT" and reply.answer and "serviced by" in str(reply.answer[0]):
        return "NOERROR", None, frozenset()
    found = [rrset for rrset in reply.answer if rrset.name.to_text() == name]
    data = frozenset(str(item).lower() for rrset in found for item in rrset)
    # gdnsd gives an SOA the TTL of negative answers.
    ttl = found[0].ttl if found and rrtype != "SOA" else None
    return dns.rcode.to_text(reply.rcode()), ttl, data


class GdnsdTests(MigrationCase):
    """From gdnsd."""

    def test_same(self) -> None:
        """What is converted answers as the original does."""
        gdnsd = Gdnsd({}, "example.org", ["127.0.0.1"])
        for name in ("zones", "run"):
            (gdnsd.folder / name).mkdir()
        config = CONFIG.replace("PORT", str(gdnsd.port))
        write_files(
            gdnsd.folder,
            {
                "config": config.replace("FOLDER", str(gdnsd.folder)),
                "multifo.inc": MULTIFO,
                "zones/example.org": APEX + DYNAMIC,
            },
        )
        self.start(gdnsd)
        ours = self.served("gdnsd", gdnsd.folder)
        self.assertIn(
            "cn.example.org. DYNC weighted!cn: www.example.net. is", self.told
        )
        asked = self.compare(ours, gdnsd, PLAIN, 3)
        # Addresses that are down halve the TTL of gdnsd: those names are not compared.
        names = [name for name in RESOURCES if name not in ("dead", "mf")]
        asked += self.compare(ours, gdnsd, names, 40)
        for name in ("dead", "mf"):
            for server in (ours, gdnsd):
                _, _, data = answer_of(server, f"{name}.example.org.", "A")
                wanted = "127.0.0." if name == "dead" else "192.0.2.6"
                self.assertEqual(len(data), 2)
                self.assertTrue(all(one.startswith(wanted) for one in data), data)
        self.assertGreater(asked, 1000)


class PowerDnsTests(MigrationCase):
    """From PowerDNS."""

    def test_same(self) -> None:
        """What is converted answers as the original does."""
        pdns = PowerDns({}, "example.org", ["127.0.0.1"])
        backends = Path("/usr/lib/x86_64-linux-gnu/pdns/libbindbackend.so")
        need_tool("pdns_server")
        need(backends.exists(), "PowerDNS has no BIND backend")
        zone = pdns.folder / "example.org.zone"
        settings = {
            "launch": "bind",
            "bind-config": str(pdns.folder / "named.conf"),
            "local-address": "127.0.0.1",
            "local-port": str(pdns.port),
            "socket-dir": str(pdns.folder),
            "enable-lua-records": "yes",
            "cache-ttl": "0",
            "query-cache-ttl": "0",
            "negquery-cache-ttl": "0",
            "guardian": "no",
            "daemon": "no",
            "security-poll-suffix": "",
        }
        write_files(
            pdns.folder,
            {
                "pdns.conf": "".join(
                    f"{key}={text}\n" for key, text in settings.items()
                ),
                "named.conf": NAMED.replace("FILE", str(zone)),
                "example.org.zone": "$ORIGIN example.org.\n" + APEX + LUA,
            },
        )
        self.start(pdns)
        ours = self.served("powerdns", zone)
        self.assertIn("if.example.org. A: a program, not a call", self.told)
        self.assertIn("when.example.org. TXT: LUA for TXT", self.told)
        asked = self.compare(ours, pdns, [name for name in PLAIN if name != "www"], 3)
        names = [name for name in FUNCTIONS if not name.endswith(".n")]
        asked += self.compare(ours, pdns, names, 60)
        for name in ("a.n", "b.n", "c.n"):  # the functions that hash differ
            for server in (ours, pdns):
                said = {
                    answer_of(server, f"{name}.example.org.", "A") for _ in range(9)
                }
                self.assertEqual(len(said), 1)
        # An older PowerDNS has no selector "empty".
        self.assertEqual(answer_of(ours, "none.example.org.", "A")[2], frozenset())
        self.assertGreater(asked, 1000)
