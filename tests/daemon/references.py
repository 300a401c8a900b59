"""Servers to compare answers with, NSD and Knot, each serving one zone file."""

from tests.daemon.harness import Server, need_tool

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
    rrl-ratelimit: 0
    minimal-responses: yes
remote-control:
    control-enable: no
zone:
    name: {zone}
    zonefile: zone
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
    any: warning
zone:
  - domain: {zone}
    file: zone
    storage: "{folder}"
    semantic-checks: off
    zonefile-sync: -1
    journal-content: none
"""


class Nsd(Server):
    """NSD in the foreground."""

    def __init__(self, zone: str, text: str) -> None:
        super().__init__({"zone": text}, zone, ("127.0.0.1",))
        settings = {"port": self.port, "folder": self.folder, "zone": zone}
        (self.folder / "nsd.conf").write_text(NSD_CONFIG.format(**settings), "utf-8")

    def command(self) -> list[str]:
        """-d: stay in the foreground."""
        return [need_tool("nsd"), "-d", "-c", str(self.folder / "nsd.conf")]


class Knot(Server):
    """Knot DNS in the foreground."""

    def __init__(self, zone: str, text: str) -> None:
        super().__init__({"zone": text}, zone, ("127.0.0.1",))
        settings = {"port": self.port, "folder": self.folder, "zone": zone}
        (self.folder / "knot.conf").write_text(KNOT_CONFIG.format(**settings), "utf-8")

    def command(self) -> list[str]:
        """Without -d knotd stays in the foreground."""
        return [need_tool("knotd"), "-c", str(self.folder / "knot.conf")]
