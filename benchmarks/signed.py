"""Signed answers beside unsigned ones of the same server, for those who set DO.

``python -m benchmarks.signed [--seconds 2] [--repeats 3]``

One daemon with one thread on one core has the same zone twice, signed and not.  dnsperf
asks both in turn with DO.  The figures are thousand answers per CPU-second of the
server, and the part of the unsigned rate that is left; beside them stand the signatures
that were made during the runs, and the share of the queries that Python answered.
"""

import argparse
import re
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from benchmarks.driving import PinnedDaemon, run_dnsperf
from tests.daemon.harness import free_port

ZONE = """\
$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 60
@ NS ns1
ns1 A 127.0.0.1
www A 192.0.2.80
*.wild A 192.0.2.81
"""
POOLS = {"one": 1, "two": 2, "four": 4}
NAMES = 20_000


def config(http: int) -> str:
    """Two zones, three pools of eight members."""
    text = f'[server]\nthreads = 1\nstate = "state"\nhttp = "127.0.0.1:{http}"\n'
    for zone, dnssec in (("signed.test", "true"), ("plain.test", "false")):
        text += f'[zones."{zone}"]\nfile = "zone"\n'
        if dnssec == "true":
            text += 'dnssec = { parent = ["127.0.0.1:1"] }\n'
        text += f'[zones."{zone}".names]\n'
        for pool in POOLS:
            text += f'{pool} = "{pool}"\n"*.any{pool}" = "{pool}"\n'
    for number, (pool, answers) in enumerate(POOLS.items()):
        text += f"[pools.{pool}]\nanswers = {answers}\n"
        for member in range(8):
            text += f'[[pools.{pool}.members]]\nname = "m{member}"\n'
            text += f'addresses = ["192.0.2.{16 * number + member}"]\n'
    return text


def cases(zone: str) -> Iterator[tuple[str, str]]:
    """What is asked, and the questions as dnsperf reads them."""
    yield "static", f"www.{zone} A\n"
    for pool, answers in POOLS.items():
        yield f"pool of 8, {answers} answers", f"{pool}.{zone} A\n"
    for what, below in (
        ("wildcard, static", "wild"),
        ("wildcard, pool", "anyone"),
        ("names that are not there", "nope"),
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


def main() -> None:
    """All cases, signed and unsigned in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one run")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each case")
    options = parser.parse_args()
    http = free_port()
    files = {"dinamed.toml": config(http), "zone": ZONE}
    daemon = PinnedDaemon(files, "signed.test", ("127.0.0.1",))
    daemon.start()
    print(f"{'':28}{'signed':>9}{'unsigned':>10}{'ratio':>8}{'made':>7}{'Python':>9}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "queries")
        pairs = zip(cases("signed.test"), cases("plain.test"), strict=True)
        for (what, signed), (_, plain) in pairs:
            rates: dict[bool, list[float]] = {True: [], False: []}
            made = python = answered = 0.0
            for turn in range(options.repeats + 1):
                for is_signed, text in ((True, signed), (False, plain)):
                    path.write_text(text)
                    before = metrics(http)
                    run = run_dnsperf(daemon, path, options.seconds, ("-D",))
                    after = metrics(http)
                    if not turn:
                        continue  # what is to be installed is there now
                    rates[is_signed].append(run.rate_per_cpu / 1000)
                    if is_signed:
                        made += after["made"] - before["made"]
                        python += after["handed"] - before["handed"]
                        answered += after["answered"] - before["answered"]
            ours, theirs = map(statistics.median, (rates[True], rates[False]))
            share = python / max(1.0, python + answered)
            print(
                f"{what:28}{ours:9.1f}{theirs:10.1f}{ours / theirs:8.2f}"
                f"{made:7.0f}{share:9.3%}",
                flush=True,
            )
    daemon.stop()
    daemon.clean_up()


if __name__ == "__main__":
    main()
