"""The keys of a scenario as flags: each takes the place of what the file says.

A flag's text is turned into what TOML would have given, and then read by the same
rules as a file.
"""

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from msgspec.structs import asdict, replace

from dinamed.config.reader import Reader
from dinamed.config.sources import SourceFile, Sources
from dinamed.pools.stages.registry import load_stages
from dinamed.problems import Problem
from dinamed.simulator.rules import check
from dinamed.simulator.scenario import Scenario

_KEY = re.compile(r"([a-z_]+)(?:\[\d+\])?(?:\.([a-z]+))?")

_OF_OPTIMUM = frozenset({"capacities", "offered"})
"""What the optimum that stands in a scenario's file depends on."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: `form` turns its text into what TOML would give."""

    metavar: str
    help: str
    form: Callable[[str], Any]
    repeated: bool = False
    name: str = ""


def number(text: str) -> object:
    """A number, or the text as it is for the reader to refuse."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def truth(text: str) -> object:
    """`true` or `false`, or the text as it is for the reader to refuse."""
    return {"true": True, "false": False}.get(text, text)


def numbers(text: str) -> object:
    """Numbers with commas between them."""
    return [number(part) for part in text.split(",")]


def words(text: str) -> object:
    """Words with commas between them."""
    return [part.strip() for part in text.split(",")]


def record(*keys: str) -> Callable[[str], object]:
    """Numbers with colons between them, one for each key of a table."""

    def form(text: str) -> object:
        parts = text.split(":")
        if len(parts) != len(keys):
            wanted = ":".join(key.upper() for key in keys)
            raise argparse.ArgumentTypeError(f"expected {wanted}, got {text!r}")
        return {
            key: number(part.strip()) for key, part in zip(keys, parts, strict=True)
        }

    return form


FLAGS: Mapping[str, Flag] = MappingProxyType(
    {
        "seed": Flag("N", "where chance starts", number),
        "capacities": Flag("C,C,...", "capacity of each mirror", numbers),
        "resolvers": Flag("N", "how many resolvers ask", number),
        "zipf": Flag("S", "exponent of the demand behind them; 0: equal", number),
        "flow": Flag("LOAD", "load of one transfer", number),
        "duration": Flag("SECONDS", "how long one lasts on average", number),
        "offered": Flag("SHARE", "demand as a share of all capacity", number),
        "ttl": Flag("SECONDS", "TTL; LOW-HIGH is adaptive", number),
        "answers": Flag("N", "addresses in one answer", number),
        "report_interval": Flag("SECONDS", "time between reports", number),
        "report_loss": Flag("SHARE", "share of reports that get lost", number),
        "report_noise": Flag("SIGMA", "log-normal error of reports", number),
        "report_delay": Flag("SECONDS", "how late reports come", number),
        "report_stamped": Flag("BOOL", "whether late reports say so", truth),
        "report_average": Flag("SECONDS", "reports are means of that time", number),
        "floor": Flag("SECONDS", "the least time that resolvers keep answers", number),
        "real_capacities": Flag("C,C,...", "what mirrors really bear", numbers),
        "warm_up": Flag("SECONDS", "time before anything is measured", number),
        "measure": Flag("SECONDS", "time that is measured", number),
        "servers": Flag("N", "name servers", number),
        "share": Flag("SECONDS", "time between what they tell each other", number),
        "flow_factor": Flag("F", "tell the flow times F; else it is learned", number),
        "duration_factor": Flag("F", "tell the duration times F", number),
        "detection": Flag("SECONDS", "until a change of health is noticed", number),
        "retry": Flag("SECONDS", "between the tries of a client without luck", number),
        "rtt_factor": Flag("F", "round trips of a world times F", number),
        "rtt_known": Flag("SHARE", "resolvers whose round trips are told", number),
        "policies": Flag("NAME,NAME,...", "which policies to run", words),
        "outages": Flag(
            "MEMBER:START:END",
            "a mirror is dead for a while (may be repeated)",
            record("member", "start", "end"),
            repeated=True,
            name="--outage",
        ),
        "silences": Flag(
            "START:END",
            "no report gets through for a while (may be repeated)",
            record("start", "end"),
            repeated=True,
            name="--silence",
        ),
        "cuts": Flag(
            "START:END",
            "no server hears of the others for a while (may be repeated)",
            record("start", "end"),
            repeated=True,
            name="--cut",
        ),
        "stretching": Flag(
            "SHARE:FACTOR",
            "a share of the resolvers stretches TTLs",
            record("share", "factor"),
        ),
        "farms": Flag(
            "SHARE:CACHES",
            "resolvers with that share of the demand are so many caches each",
            record("share", "caches"),
        ),
        "crowd": Flag(
            "START:END:FACTOR",
            "so many times as many clients for a while",
            record("start", "end", "factor"),
        ),
    }
)


def flag_name(key: str) -> str:
    """How the flag of a key is written."""
    return FLAGS[key].name or "--" + key.replace("_", "-")


def add_flags(parser: argparse._ActionsContainer) -> None:
    """Add all flags to a command, or to a group of its arguments."""
    for key, flag in FLAGS.items():
        parser.add_argument(
            flag_name(key),
            dest=key,
            metavar=flag.metavar,
            help=flag.help,
            type=flag.form,
            action="append" if flag.repeated else "store",
        )


class BadFlagError(Exception):
    """Flags can't be used; `messages` say which and why."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def with_flags(scenario: Scenario, arguments: argparse.Namespace) -> Scenario:
    """The scenario with the given flags in place of its own values.

    @raise BadFlagError: a flag's value is refused, or does not fit the rest.
    """
    raw = {key: getattr(arguments, key) for key in FLAGS}
    raw = {key: value for key, value in raw.items() if value is not None}
    reader = Reader(Sources(SourceFile("", "", {})))
    read = reader.table(Scenario, raw, ())
    if read is not None and not reader.problems:
        values = asdict(read)
        scenario = replace(scenario, **{key: values[key] for key in raw})
        if scenario.world is not None and not raw.keys().isdisjoint(_OF_OPTIMUM):
            world = replace(scenario.world, optimum=None)
            scenario = replace(scenario, world=world)
        check(scenario, reader, load_stages())
    if reader.problems:
        raise BadFlagError([_told(problem, raw) for problem in reader.problems])
    return scenario


def _told(problem: Problem, given: Mapping[str, object]) -> str:
    """The problem, with the flag in place of the key if there was one."""
    found = _KEY.fullmatch(problem.key)
    if found is None or found[1] not in given:
        return f"{problem.key}: {problem.message}"
    part = f"{found[2]}: " if found[2] else ""
    return f"{flag_name(found[1])}: {part}{problem.message}"
