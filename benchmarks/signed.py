"""Signed answers beside unsigned ones of the same server, for those who set DO.

``python -m benchmarks.signed [--seconds 2] [--repeats 3]``

One daemon with one thread on one core has the same zone twice, signed and not.  dnsperf
asks both in turn with DO.  The figures are thousand answers per CPU-second of the
server, and the part of the unsigned rate that is left; beside them stand the signatures
that were made during one more run, and the share of its queries that Python answered.
Knot, which signs online and ahead, and PowerDNS have the same two zones after that.
"""

import argparse
import re
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

from benchmarks.driving import PinnedDaemon, Run, perf, run_dnsperf
from benchmarks.peers import Command, NotInstalledError, Peer, running
from benchmarks.signing_peers import SIGNING_PEERS
from tests.daemon.harness import free_port

ZONE = """\
$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 60
@ NS ns1
ns1 A 127.0.0.1
www A 192.0.2.80
*.wild A 192.0.2.81
fat TXT {filler}
""".format(filler=112 * "x")
STATIC = "static"
FAT = "static, unsigned as long"
"""The signed answer beside an unsigned one of as many octets: what these cost by
themselves."""
MISSING = "names that are not there"
TCP = ("-m", "tcp", "-c", "20", "-q", "500")
"""What dnsperf is told for 20 connections."""
GENTLY = ("-Q", "1000", "-q", "20", "-t", "10")
"""What it is told for a thousand questions a second."""
POOLS = {"one": 1, "two": 2, "four": 4}
NAMES = 20_000


def config(http: int) -> str:
    """Two zones, pools of eight members, with inner pools and two addresses."""
    text = f'[server]\nthreads = 1\nstate = "state"\nhttp = "127.0.0.1:{http}"\n'
    for zone, dnssec in (("signed.test", "true"), ("plain.test", "false")):
        text += f'[zones."{zone}"]\nfile = "zone"\n'
        if dnssec == "true":
            text += 'dnssec = { parent = ["127.0.0.1:1"] }\n'
        text += f'[zones."{zone}".names]\n'
        for pool in (*POOLS, "outer", "twice"):
            text += f'{pool} = "{pool}"\n"*.any{pool}" = "{pool}"\n'
        # Targets have a zone of their own: they cost its other names something.
        text += f'[zones."aimed.{zone}"]\nfile = "zone"\n'
        text += f'targets = ["continent", "@"]\ndnssec = {dnssec}\n'
        text += f'[zones."aimed.{zone}".names]\n"it" = "one"\n"it.europe" = "two"\n'
    for number, (pool, answers) in enumerate(POOLS.items()):
        text += f"[pools.{pool}]\nanswers = {answers}\n"
        for member in range(8):
            text += f'[[pools.{pool}.members]]\nname = "m{member}"\n'
            text += f'addresses = ["192.0.2.{16 * number + member}"]\n'
    text += "[pools.outer]\n"
    for pool in ("one", "twice"):
        text += f'[[pools.outer.members]]\nname = "{pool}"\npool = "{pool}"\n'
    text += "[pools.twice]\n"
    for member in range(8):
        text += f'[[pools.twice.members]]\nname = "m{member}"\n'
        text += f'addresses = ["192.0.2.{100 + member}", "192.0.2.{120 + member}"]\n'
    return text


def cases(zone: str) -> Iterator[tuple[str, str]]:
    """What is asked, and the questions as dnsperf reads them."""
    yield STATIC, f"www.{zone} A\n"
    yield FAT, f"fat.{zone} TXT\n" if zone == "plain.test" else f"www.{zone} A\n"
    for pool, answers in POOLS.items():
        yield f"pool of 8, {answers} answers", f"{pool}.{zone} A\n"
    yield "pool of pools", f"outer.{zone} A\n"
    yield "members with 2 addresses", f"twice.{zone} A\n"
    yield "targets", f"it.aimed.{zone} A\n"
    for what, below in (
        ("wildcard, static", "wild"),
        ("wildcard, pool", "anyone"),
        (MISSING, "nope"),
    ):
        names = (f"n{number}.{below}.{zone} A\n" for number in range(NAMES))
        yield what, "".join(names)


def metrics(http: int) -> dict[str, float]:
    """Signatures made, and what the plane did with queries."""
    with urlopen(f"http://127.0.0.1:{http}/metrics") as page:
        text = page.read().decode()
    found = {}
    for name, pattern in (
        ("made", r"^dinamed_dnssec_signatures_total{.*} (\S+)$"),
        ("handed", r'^dinamed_plane_\w+{\w+="handed"} (\S+)$'),
        ("answered", r'^dinamed_plane_\w+{\w+="answered"} (\S+)$'),
    ):
        match = re.search(pattern, text, re.MULTILINE)
        found[name] = float(match[1]) if match is not None else 0.0
    return found


Ask = Callable[[str, tuple[str, ...]], Run]
"""Asks questions, with these options of dnsperf."""


def compared(
    ask: Ask, what: str, repeats: int, options: tuple[str, ...] = ()
) -> tuple[float, float]:
    """Thousand answers per CPU-second of a case, signed and unsigned in turn."""
    rates: dict[str, list[float]] = {"signed.test": [], "plain.test": []}
    for turn in range(repeats + 1):
        for zone, found in rates.items():
            text = dict(cases(zone))[what]
            # At first what is to be installed is not there yet, and Python slower.
            pace = () if turn else GENTLY
            run = ask(text, ("-D", *options, *pace))
            if turn:
                found.append(run.rate_per_cpu / 1000)
    signed, plain = (statistics.median(found) for found in rates.values())
    return signed, plain


def row(title: str, signed: float, plain: float) -> str:
    """A line of the table, as far as all servers have it."""
    return f"{title:38}{signed:9.1f}{plain:10.1f}{signed / max(plain, 0.1):8.2f}"


def ours(folder: Path, seconds: float, repeats: int, only: str) -> None:
    """All cases over UDP, and some over TCP; those that have `only` in their titles."""
    http = free_port()
    files = {"dinamed.toml": config(http), "zone": ZONE}
    daemon = PinnedDaemon(files, "signed.test", ("127.0.0.1",))
    daemon.start_seconds = 120.0  # other work may be on the same core
    daemon.start()
    used = dict.fromkeys(("made", "handed", "answered"), 0.0)

    def ask(text: str, options: tuple[str, ...]) -> Run:
        path = folder / "queries"
        path.write_text(text)
        before = metrics(http)
        run = run_dnsperf(daemon, path, seconds, options)
        after = metrics(http)
        for name in used:
            used[name] = after[name] - before[name]
        return run

    wanted: list[tuple[str, str, tuple[str, ...]]]
    wanted = [(what, what, ()) for what, _ in cases("")]
    over_tcp = (STATIC, FAT, "pool of 8, 1 answers", MISSING)
    wanted += [(f"{what}, TCP", what, TCP) for what in over_tcp]
    for title, what, options in wanted:
        if only not in title:
            continue
        signed, plain = compared(ask, what, repeats, options)
        # Those of the last run with signatures: the one before it was unsigned.
        ask(dict(cases("signed.test"))[what], ("-D", *options))
        share = used["handed"] / max(1.0, used["handed"] + used["answered"])
        print(
            f"{row(title, signed, plain)}{used['made']:7.0f}{share:9.3%}",
            flush=True,
        )
    daemon.stop()
    daemon.clean_up()


def theirs(name: str, command: Command, seconds: float, repeats: int) -> None:
    """Static data and names that are not there, of another server."""
    with tempfile.TemporaryDirectory() as folder:
        queries = Path(folder, "queries")
        port = free_port()

        def start(place: Path, port: int) -> list[str]:
            (place / "zone").write_text(ZONE)
            return command(place, port)

        with running(Peer(start, frozenset()), port) as pid:

            def ask(text: str, options: tuple[str, ...]) -> Run:
                queries.write_text(text)
                return perf(pid, port, queries, seconds, options)

            for what in (STATIC, "wildcard, static", MISSING):
                signed, plain = compared(ask, what, repeats)
                print(row(f"{name}: {what}", signed, plain), flush=True)


def main() -> None:
    """Ours, then the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one run")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each case")
    parser.add_argument("--only", default="", help="cases with this in their title")
    options = parser.parse_args()
    print(f"{'':38}{'signed':>9}{'unsigned':>10}{'ratio':>8}{'made':>7}{'Python':>9}")
    with tempfile.TemporaryDirectory() as folder:
        ours(Path(folder), options.seconds, options.repeats, options.only)
    for name, command in () if options.only else SIGNING_PEERS.items():
        try:
            theirs(name, command, options.seconds, options.repeats)
        except NotInstalledError:
            print(f"{name} is not installed")


if __name__ == "__main__":
    main()
