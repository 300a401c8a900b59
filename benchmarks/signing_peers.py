"""Peers that sign: the zone of ``benchmarks.signed``, as they serve it."""

import subprocess
from pathlib import Path

from benchmarks.peers import Command, program

KNOT = """\
server:
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  rundir: {folder}
database:
  storage: {folder}
log:
  - target: stderr
    any: error
policy:
  - id: one
    single-type-signing: on
    algorithm: ecdsap256sha256
mod-onlinesign:
  - id: online
    policy: one
template:
  - id: default
    storage: {folder}
    file: zone
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
  - domain: plain.test
  - domain: signed.test
    {how}
"""


def knot(how: str) -> Command:
    """Knot, which signs in one way."""

    def command(folder: Path, port: int) -> list[str]:
        text = KNOT.format(port=port, folder=folder, how=how)
        (folder / "knot.conf").write_text(text)
        return [program("knotd"), "-c", f"{folder}/knot.conf"]

    return command


def powerdns(folder: Path, port: int) -> list[str]:
    """PowerDNS, which signs what it is asked, and keeps that for a while."""
    zones = "".join(
        f'zone "{name}" {{ type native; file "{folder}/zone.{name}"; }};\n'
        for name in ("signed.test", "plain.test")
    )
    text = (folder / "zone").read_text()
    for name in ("signed.test", "plain.test"):
        (folder / f"zone.{name}").write_text(f"$ORIGIN {name}.\n{text}")
    (folder / "named.conf").write_text(zones)
    (folder / "pdns.conf").write_text(
        f"launch=bind\nbind-config={folder}/named.conf\n"
        f"bind-dnssec-db={folder}/keys.db\n"
        f"local-address=127.0.0.1\nlocal-port={port}\nreceiver-threads=1\n"
        f"distributor-threads=1\nsocket-dir={folder}\nguardian=no\ndaemon=no\n"
        "webserver=no\nsecurity-poll-suffix=\nloglevel=3\n"
    )
    util = [program("pdnsutil"), f"--config-dir={folder}"]
    for order in (
        ("create-bind-db", f"{folder}/keys.db"),
        ("secure-zone", "signed.test"),
    ):
        subprocess.run([*util, *order], check=True, capture_output=True)
    return [program("pdns_server"), f"--config-dir={folder}"]


SIGNING_PEERS: dict[str, Command] = {
    "knot, online": knot("module: mod-onlinesign/online"),
    "knot, ahead": knot("dnssec-signing: on\n    dnssec-policy: one"),
    "powerdns": powerdns,
}
"""By name: mod-onlinesign, automatic signing, and live signing."""
