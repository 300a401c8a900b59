"""Run dig and read what it prints."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.daemon.harness import Server, need_tool


@dataclass(frozen=True)
class Record:
    """One resource record as dig prints it."""

    name: str
    ttl: int
    rdclass: str
    rdtype: str
    rdata: str


@dataclass(frozen=True)
class Opt:
    """The OPT record: `options` are dig's lines for the EDNS options."""

    version: int
    flags: frozenset[str]
    zero_bits: int  # the must-be-zero part of the flags
    size: int
    options: tuple[str, ...] = ()

    def option(self, name: str) -> str | None:
        """What stands behind the name of an option, or None if it is not there."""
        for line in self.options:
            if line.startswith(f"{name}:"):
                return line.removeprefix(f"{name}:").strip()
        return None


@dataclass
class Reply:
    """One reply as dig prints it; `text` is all of it."""

    text: str
    status: str = ""
    opcode: str = ""
    flags: frozenset[str] = frozenset()
    zero_bit: bool = False
    opt: Opt | None = None
    question: list[str] = field(default_factory=list)
    sections: dict[str, list[Record]] = field(default_factory=dict)

    def records(self, section: str, rdtype: str | None = None) -> list[Record]:
        """The records of a section ("ANSWER", ...), of one type if it is given."""
        found = self.sections.get(section, [])
        return [one for one in found if rdtype in (None, one.rdtype)]

    @property
    def answer(self) -> list[Record]:
        """The answer section."""
        return self.records("ANSWER")

    @property
    def authority(self) -> list[Record]:
        """The authority section."""
        return self.records("AUTHORITY")

    def rdatas(self, rdtype: str) -> list[str]:
        """The rdata of the answers of one type, sorted."""
        return sorted(one.rdata for one in self.records("ANSWER", rdtype))


HEADER = re.compile(r";; ->>HEADER<<- opcode: (\S+), status: (\S+), id: \d+")
FLAGS = re.compile(r";; flags:([^;]*);( MBZ: [^,]*,)? QUERY: \d+")
EDNS = re.compile(r"; EDNS: version: (\d+), flags:([^;]*);(?: MBZ: (\S+),)? udp: (\d+)")
SECTION = re.compile(r";; (\w+) (?:PSEUDO)?SECTION:")


def parse(text: str) -> list[Reply]:
    """All replies in what dig has printed, in order."""
    replies: list[Reply] = []
    section = ""
    for line in text.splitlines():
        if header := HEADER.match(line):
            opcode, status = header.groups()
            replies.append(Reply(text, status, opcode))
            section = ""
        elif found := SECTION.match(line):
            section = found.group(1)
        elif replies:
            read_line(replies[-1], section, line)
    return replies


def read_line(reply: Reply, section: str, line: str) -> None:
    """Read a line that is no heading."""
    if flags := FLAGS.match(line):
        reply.flags = frozenset(flags.group(1).split())
        reply.zero_bit = flags.group(2) is not None
    elif edns := EDNS.match(line):
        version, names, zero_bits, size = edns.groups()
        bits = int(zero_bits or "0", 16)
        reply.opt = Opt(int(version), frozenset(names.split()), bits, int(size))
    elif section == "OPT" and reply.opt and line.startswith("; "):
        old = reply.opt
        options = (*old.options, line[2:])
        reply.opt = Opt(old.version, old.flags, old.zero_bits, old.size, options)
    elif section == "QUESTION" and line.startswith(";"):
        reply.question.append(line[1:])
    elif line and not line.startswith(";"):
        name, ttl, rdclass, rdtype, *rdata = line.split(None, 4)
        record = Record(name, int(ttl), rdclass, rdtype, "".join(rdata))
        reply.sections.setdefault(section, []).append(record)


def run_dig(
    server: Server, arguments: Sequence[str], address: str | None = None
) -> Reply:
    """Ask a server by dig; its first reply.  AssertionError if there is none."""
    where = [f"@{address or server.addresses[0]}", "-p", str(server.port)]
    limits = ["+tries=1", "+time=3"]
    done = subprocess.run(
        [need_tool("dig"), "-r", *where, *limits, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
    )
    replies = parse(done.stdout)
    assert replies, f"no reply: {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return replies[0]
