"""Other name servers as primaries and secondaries of the daemon.

Each is made with the port of its counterpart, so that both can name each other.
"""

import subprocess

from tests.daemon.harness import Server, need_tool

ZONE = "example.org"
KEY = "transfer"
SECRET = "dGhpcyBpcyBub3QgYSBzZWNyZXQ="

NAMED_CONFIG = """\
options {{
    directory "{folder}";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file "{folder}/named.pid";
    session-keyfile "{folder}/session.key";
    recursion no;
    dnssec-validation no;
    notify {notify};
    notify-source 127.0.0.1;
    transfer-source 127.0.0.1;
    notify-delay 0;
    serial-query-rate 100;
    min-refresh-time 1;
    min-retry-time 1;
}};
controls {{ }};
key {key} {{ algorithm hmac-sha256; secret "{secret}"; }};
server 127.0.0.1 {{ keys {{ {key}; }}; }};
{zone}
"""

NAMED_PRIMARY = """\
zone "{name}" {{
    type primary;
    file "zone";
    allow-transfer {{ key {key}; }};
    allow-update {{ key {key}; }};
    also-notify {{ 127.0.0.1 port {other} key {key}; }};
}};
"""

NAMED_SECONDARY = """\
zone "{name}" {{
    type secondary;
    file "copy";
    masterfile-format text;
    primaries {{ 127.0.0.1 port {other} key {key}; }};
    allow-transfer {{ any; }};
}};
"""

KNOT_CONFIG = """\
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{folder}"
control:
    listen: "{folder}/knot.sock"
log:
  - target: stderr
    any: info
key:
  - id: {key}
    algorithm: hmac-sha256
    secret: {secret}
remote:
  - id: other
    address: 127.0.0.1@{other}
    via: 127.0.0.1
    key: {key}
acl:
  - id: ours
    address: 127.0.0.1
    key: {key}
    action: [transfer, notify, update]
zone:
  - domain: {name}
    storage: "{folder}"
    file: {file}
    semantic-checks: off
    acl: ours
    {role}: other
"""

NSD_CONFIG = """\
server:
    ip-address: 127.0.0.1@{port}
    username: ""
    chroot: ""
    zonesdir: "{folder}"
    zonelistfile: "{folder}/zone.list"
    xfrdfile: "{folder}/xfrd.state"
    xfrdir: "{folder}"
    pidfile: "{folder}/nsd.pid"
    database: ""
    server-count: 1
    verbosity: 2
remote-control:
    control-enable: no
key:
    name: "{key}"
    algorithm: hmac-sha256
    secret: "{secret}"
zone:
    name: {name}
    zonefile: copy
    request-xfr: 127.0.0.1@{other} {key}
    allow-notify: 127.0.0.1 {key}
    provide-xfr: 127.0.0.1 {key}
"""


class Peer(Server):
    """A server that exchanges a zone with the one on another port.

    Without `keyed` nothing is signed with the key, and the clocks may differ.
    """

    text = ""
    tool = ""

    def __init__(self, other: int, zone: str | None, keyed: bool = True) -> None:
        files = {} if zone is None else {"zone": zone}
        super().__init__(files, ZONE, ("127.0.0.1",))
        need_tool(self.tool)
        settings = {
            "port": self.port,
            "folder": self.folder,
            "name": ZONE,
            "key": KEY,
            "secret": SECRET,
            "other": other,
        }
        text = self.config(zone is not None, settings)
        if not keyed:
            text = self.without_key(text)
        (self.folder / "config").write_text(text, "utf-8")

    def without_key(self, text: str) -> str:
        """Its config, where nobody needs the key; to be overridden."""
        raise AssertionError("always with a key")

    def config(self, primary: bool, settings: dict[str, object]) -> str:
        """The text of its config; to be overridden."""
        raise AssertionError("no config")


class Named(Peer):
    """BIND."""

    tool = "named"

    def without_key(self, text: str) -> str:
        """By addresses alone."""
        text = text.replace(f"server 127.0.0.1 {{ keys {{ {KEY}; }}; }};", "")
        return text.replace(f" key {KEY}", "")

    def config(self, primary: bool, settings: dict[str, object]) -> str:
        """One zone, of which it is primary or secondary."""
        zone = NAMED_PRIMARY if primary else NAMED_SECONDARY
        notify = "explicit" if primary else "no"
        text = zone.format_map(settings)
        return NAMED_CONFIG.format_map({**settings, "zone": text, "notify": notify})

    def command(self) -> list[str]:
        """-g: in the foreground, with the log on standard error."""
        config = str(self.folder / "config")
        return [need_tool("named"), "-g", "-n", "1", "-c", config]


class Knot(Peer):
    """Knot DNS."""

    tool = "knotd"

    def without_key(self, text: str) -> str:
        """By addresses alone."""
        return text.replace(f"\n    key: {KEY}", "")

    def config(self, primary: bool, settings: dict[str, object]) -> str:
        """One zone, of which it is primary or secondary."""
        role, file = ("notify", "zone") if primary else ("master", "copy")
        return KNOT_CONFIG.format_map({**settings, "role": role, "file": file})

    def command(self) -> list[str]:
        """Without -d knotd stays in the foreground."""
        return [need_tool("knotd"), "-c", str(self.folder / "config")]


class Nsd(Peer):
    """NSD, which is made to be a secondary here."""

    tool = "nsd"

    def without_key(self, text: str) -> str:
        """By addresses alone."""
        return text.replace(f" {KEY}\n", " NOKEY\n")

    def config(self, primary: bool, settings: dict[str, object]) -> str:
        """One zone, of which it is secondary."""
        assert not primary
        return NSD_CONFIG.format_map(settings)

    def command(self) -> list[str]:
        """-d: stay in the foreground."""
        return [need_tool("nsd"), "-d", "-c", str(self.folder / "config")]


def nsupdate(
    port: int, lines: str, key: str = KEY, secret: str = SECRET, tcp: bool = False
) -> subprocess.CompletedProcess[str]:
    """Send one update to a server on loopback; its exit status says how that went."""
    signed = ["-y", f"hmac-sha256:{key}:{secret}"] if key else []
    return subprocess.run(
        [need_tool("nsupdate"), *(["-v"] if tcp else []), *signed],
        input=f"server 127.0.0.1 {port}\nzone {ZONE}\n{lines}\nsend\n",
        capture_output=True,
        text=True,
        timeout=30,
    )
