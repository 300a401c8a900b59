"""The names of stages that `select` knows, as data, and what their arguments may be.

Only names and arguments: the stages themselves are in the pools room, which must not
be needed to read a config file.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dinamed.config.durations import duration

MOST = 1e18  # more than any load or time
MOST_PRICE = 1e9  # milliseconds
MOST_START = 0.99
_TIMES = re.compile(r"\d{1,6}(\.\d{1,6})?x")


def count(argument: object) -> object:
    """The argument of `nearest` and `best`: how many members, at least 1."""
    if type(argument) is not int or argument < 1:
        raise ValueError("expected a whole number of at least 1")
    return argument


def by_name(argument: object) -> object:
    """The argument of `hash`: "name", to go by the name of the question."""
    if argument != "name":
        raise ValueError('expected "name", to go by the name of the question')
    return argument


def share(argument: object) -> float:
    """The argument of `trickle`: a share over 0 and under 1."""
    match argument:
        case float() if 0 < argument < 1:
            return argument
    raise ValueError("expected a number over 0 and under 1")


def watermarks(argument: object) -> tuple[float, float]:
    """The argument of `shed`: the share of capacity where it begins and where it ends.

    Both are at least 0, and the first is lower than the second.
    """
    if not isinstance(argument, list) or len(argument) != 2:
        raise ValueError("expected two numbers, [LOW, HIGH]")
    if not all(type(mark) in (int, float) for mark in argument):
        raise ValueError("expected two numbers, [LOW, HIGH]")
    if not 0 <= argument[0] < argument[1] or argument[1] > 100:
        raise ValueError("expected 0 <= LOW < HIGH <= 100")
    if not all(math.isfinite(mark) for mark in argument):
        raise ValueError("expected two numbers, [LOW, HIGH]")
    return (float(argument[0]), float(argument[1]))


def numbers(
    *known: str, durations: tuple[str, ...] = ()
) -> Callable[[object], Mapping[str, float]]:
    """The argument of a stage that takes a table of numbers above 0, each optional.

    Those in `durations` are seconds, and may be written as text (`"5m"`).
    """

    def check(argument: object) -> Mapping[str, float]:
        if not isinstance(argument, dict):
            wanted = ", ".join(f"{key} = NUMBER" for key in known)
            raise ValueError(f"expected a table, {{{wanted}}}")
        found = {}
        for key, value in argument.items():
            if key not in known:
                raise ValueError(f'no key "{key}"; there is {" and ".join(known)}')
            number = duration(value) if key in durations else value
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise ValueError(f"{key} must be a number above 0")
            if not 0 < number <= MOST:
                raise ValueError(f"{key} must be a number above 0")
            found[key] = float(number)
        return found

    return check


increments = numbers("increment")
"""The argument of `least`: the load of one hand-out where no report tells."""

transfers = numbers("flow", "duration", durations=("duration",))
"""The argument of `predictive`: the load of one transfer, and its mean seconds."""


def prices(argument: object) -> Mapping[str, float | str]:
    """The argument of `spill`: that of `predictive`, and `price` and `start`.

    `price` is a number of milliseconds, or as "2x" so many times the spread of costs;
    `start` a share of the capacity from which on there is a price, below 1.
    """
    if not isinstance(argument, dict):
        raise ValueError('expected a table, {price = "2x", start = 0.75}')
    rest = {k: v for k, v in argument.items() if k not in ("price", "start")}
    try:
        found: dict[str, float | str] = {**transfers(rest)}
    except ValueError as error:
        raise ValueError(
            str(error).replace("there is", "there is price, start,")
        ) from None
    if "price" in argument:
        price = argument["price"]
        times = price[:-1] if isinstance(price, str) and price[-1:] == "x" else price
        if isinstance(price, str):
            if not _TIMES.fullmatch(price) or not 0 < float(times) <= MOST_PRICE:
                raise ValueError('price must be milliseconds or text as "2x"')
        elif type(price) not in (int, float) or not 0 < price <= MOST_PRICE:
            raise ValueError('price must be milliseconds above 0, or text as "2x"')
        found["price"] = price if isinstance(price, str) else float(price)
    if "start" in argument:
        start = argument["start"]
        if type(start) not in (int, float) or not 0 <= start <= MOST_START:
            raise ValueError(f"start must be a number from 0 to {MOST_START}")
        found["start"] = float(start)
    return found


BY_PLACE = ("country", "nearest", "network")
"""The stages that go by where a client is."""


@dataclass(frozen=True)
class StageKind:
    """What `select` may say about a stage.

    `picks`: it chooses among the candidates, and so stands last; else it narrows.
    `available`: this version has it.  `argument` checks the stage's argument and
    returns the form that the stage takes; it raises `ValueError`.  Without it the
    stage takes none; with `required` it can't do without one.  With `bare` a name that
    stands alone is checked too, as the argument None.
    """

    picks: bool
    available: bool = True
    argument: Callable[[object], object] | None = None
    required: bool = False
    bare: bool = False


STAGES: Mapping[str, StageKind] = MappingProxyType(
    {
        "country": StageKind(picks=False),
        "nearest": StageKind(picks=False, argument=count),
        "network": StageKind(picks=False),
        "priority": StageKind(picks=False),
        "trickle": StageKind(picks=False, argument=share, required=True),
        "shed": StageKind(picks=False, argument=watermarks, required=True),
        "weighted": StageKind(picks=True),
        "round-robin": StageKind(picks=True),
        "hash": StageKind(picks=True, argument=by_name),
        "least": StageKind(picks=True, argument=increments),
        "best": StageKind(picks=True, argument=count),
        "predictive": StageKind(picks=True, argument=transfers),
        "spill": StageKind(picks=True, argument=prices),
        "all": StageKind(picks=True),
        "each": StageKind(picks=True),
    }
)
