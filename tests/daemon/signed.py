"""Signed zones of all kinds, a daemon that signs them, and validators that look."""

import re
import subprocess
from pathlib import Path

from dinamed.dnssec.key_files import file_stem, private_text, public_text
from dinamed.dnssec.keys import Key, dnskey_text
from dinamed.wire.names import to_text
from tests.daemon.harness import Daemon, Server, free_port, need_tool
from tests.dnssec.support import fixed_key

ZONE = "example.org"
KEYS = {
    name: fixed_key(f"{name}.", number)
    for number, name in enumerate(
        (ZONE, "sec.example.org", "example.net", "geo.test"), 21
    )
}
SEC_DS = KEYS["sec.example.org"].ds

ZONE_TEXT = f"""\
$TTL 300
@ SOA ns1 hostmaster 2026112701 7200 900 1209600 60
@ NS ns1
@ MX 10 mail
ns1 A 127.0.0.1
mail A 192.0.2.25
www A 192.0.2.80
www AAAA 2001:db8::80
big TXT {" ".join(f'"{number:03d}{"x" * 250}"' for number in range(5))}
*.wild TXT "from the wildcard"
x.wild A 192.0.2.99
a.b.ent A 192.0.2.70
ins NS ns1
cut NS ns.cut
ns.cut A 127.0.0.1
sec NS ns1
sec DS {int.from_bytes(SEC_DS[:2], "big")} 13 2 {SEC_DS[4:].hex()}
alias CNAME ftp
far CNAME www.example.net.
dangling CNAME nowhere
*.walias CNAME ftp
tree DNAME www.example.net.
ptree DNAME pools
ftp MX 10 mail
ftp HTTPS 1 . alpn=h2
"""
CHILD_TEXT = """\
$TTL 300
@ SOA ns1.example.org. hostmaster 1 7200 900 1209600 60
@ NS ns1.example.org.
www A 192.0.2.81
b.www A 192.0.2.83
"""
POOLS = """
[pools.mirrors]
ttl = "30-300"
answers = 2
select = ["country", "predictive"]
regions = true
[pools.one]
ttl = 60
[pools.v4]
[pools.gone]
when_down = "none"
"""
MEMBERS: dict[str, list[tuple[str, ...]]] = {
    "mirrors": [
        ("fra1", "192.0.2.1", "2001:db8::1"),
        ("ams1", "192.0.2.2", "2001:db8::2"),
        ("nyc1", "192.0.2.3", "2001:db8::3"),
        ("sgp1", "192.0.2.4"),
    ],
    "one": [(f"m{n}", f"192.0.2.1{n}", f"2001:db8::1{n}") for n in range(8)],
    "v4": [("four", "192.0.2.9")],
    "gone": [("idle", "192.0.2.8", "2001:db8::8")],
}


def config(threads: str) -> str:
    """The config of the daemon, whose plane has that many threads."""
    text = f"""\
[server]
http = "127.0.0.1:0"
state = "state"
threads = {threads}
[dnssec]
keys = "keys"
parent = ["127.0.0.1:1"]
[zones."{ZONE}"]
file = "zone"
dnssec = true
transfer = ["127.0.0.1"]
[zones."{ZONE}".names]
ftp = "mirrors"
one = "one"
v4 = "v4"
gone = "gone"
"x.pools" = "v4"
"*.cdn" = "mirrors"
"*.any" = "one"
[zones."sec.{ZONE}"]
file = "child"
dnssec = true
[zones."ins.{ZONE}"]
file = "child"
[zones."example.net"]
file = "child"
dnssec = {{ validity = "30d" }}
[zones."geo.test"]
geodns = "geo.test.json"
dnssec = true
[geo.networks]
"127.0.0.0/8" = {{ country = "DE" }}
{POOLS}"""
    for pool, members in MEMBERS.items():
        for name, *addresses in members:
            weight = 0 if name == "idle" else 1
            text += f'[[pools.{pool}.members]]\nname = "{name}"\nweight = {weight}\n'
            text += f"addresses = {addresses}\n".replace("'", '"')
    return text


GEODNS = """\
{"serial": 3, "ttl": 120, "max_hosts": 2, "targeting": "country continent @",
 "data": {
  "": {"ns": {"ns1.geo.test.": null}, "mx": [{"mx": "ns1.geo.test", "preference": 1}]},
  "ns1": {"a": [["127.0.0.1", 1]]},
  "www": {"a": [["192.0.2.1", 10], ["192.0.2.2", 10], ["192.0.2.3", 10]],
          "aaaa": [["2001:db8::1", 1]]},
  "www.europe": {"a": [["192.0.2.10", 10]]},
  "only.de": {"a": [["192.0.2.20", 10]]},
  "foo": {"alias": "www"},
  "bar": {"cname": "www"},
  "txt": {"txt": "hello"}
}}
"""


class SigningDaemon(Daemon):
    """The daemon, with keys that are the same each time."""

    def __init__(self, threads: str) -> None:
        self.http = free_port()
        files = {
            "dinamed.toml": config(threads).replace(
                'http = "127.0.0.1:0"', f'http = "127.0.0.1:{self.http}"'
            ),
            "zone": ZONE_TEXT,
            "child": CHILD_TEXT,
            "geo.test.json": GEODNS,
        }
        super().__init__(files, ZONE, ("127.0.0.1",))
        keys = self.folder / "keys"
        keys.mkdir(0o700)
        for key in KEYS.values():
            write_pair(keys, key)


def write_pair(folder: Path, key: Key) -> None:
    """Write a key as BIND has it."""
    stem = folder / file_stem(key)
    Path(f"{stem}.key").write_text(public_text(key))
    private = Path(f"{stem}.private")
    private.touch(0o600)
    private.write_text(private_text(key))


def trust_anchor(key: Key) -> str:
    """A key in the form that delv reads."""
    words = dnskey_text(key.zone, key.dnskey).split()
    name, flags, protocol, algorithm, public = (words[0], *words[3:])
    return (
        f"trust-anchors {{ {name} static-key {flags} {protocol} {algorithm} "
        f'"{public}"; }};\n'
    )


def transferred(server: Server, zone: str, path: Path) -> str:
    """Transfer a zone with dig into a file; its serial."""
    command = [need_tool("dig"), "@127.0.0.1", "-p", str(server.port)]
    command += ["+onesoa", "+nocomments", "+nocmd", "+nostats", "axfr", zone]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    path.write_text(done.stdout)
    soa = next(line for line in done.stdout.splitlines() if "\tSOA\t" in line)
    return soa.split()[6]


class Delv:
    """BIND's validator, which asks one server."""

    def __init__(self, server: Server, key: Key) -> None:
        self._tool = need_tool("delv")
        self._port = server.port
        self._root = to_text(key.zone)
        self._anchors = server.folder / f"anchor.{self._root}delv"
        self._anchors.write_text(trust_anchor(key))

    def verdict(self, name: str, rdtype: str, tcp: bool = False) -> str:
        """The first comment that delv prints: `fully validated`, or what it is not."""
        command = [
            self._tool,
            "@127.0.0.1",
            "-p",
            str(self._port),
            "-a",
            str(self._anchors),
            f"+root={self._root}",
            *(["+tcp"] if tcp else []),
            name,
            rdtype,
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=False
        )
        for line in done.stdout.splitlines():
            if (line.startswith("; ") and "validat" in line) or "unsigned" in line:
                return line.removeprefix("; ").strip()
        return f"{done.stdout} {done.stderr}".strip()


UNBOUND = """\
server:
    interface: 127.0.0.1@{port}
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: "{folder}/unbound.pid"
    do-not-query-localhost: no
    aggressive-nsec: yes
    val-log-level: 2
    module-config: "validator iterator"
    trust-anchor-file: "{folder}/anchors"
    use-syslog: no
    logfile: ""
    num-threads: 1
    so-rcvbuf: 0
    so-sndbuf: 0
    {tcp}
remote-control:
    control-enable: no
"""
STUB = """\
stub-zone:
    name: "{zone}"
    stub-addr: 127.0.0.1@{port}
"""


class Unbound(Server):
    """unbound as a validating resolver that asks one server for some zones."""

    def __init__(self, server: Server, *keys: Key, tcp: bool = False) -> None:
        super().__init__({}, to_text(keys[0].zone), ("127.0.0.1",))
        lines = [dnskey_text(key.zone, key.dnskey) for key in keys]
        (self.folder / "anchors").write_text("\n".join((*lines, "")))
        text = UNBOUND.format(
            port=self.port,
            folder=self.folder,
            tcp="tcp-upstream: yes" if tcp else "",
        )
        for key in keys:
            text += STUB.format(zone=to_text(key.zone), port=server.port)
        (self.folder / "unbound.conf").write_text(text)

    def command(self) -> list[str]:
        """-d: stay in the foreground."""
        conf = str(self.folder / "unbound.conf")
        return [need_tool("unbound"), "-d", "-p", "-c", conf]

    @property
    def complaints(self) -> list[str]:
        """What could not be validated."""
        return re.findall(r".*validation failure.*", self.log)
