"""The forms of the values in a feed's table; see `values` for how they behave."""

import re

from dinamed.config.durations import EXPECTED, duration
from dinamed.config.values import shown

MetricLabel = tuple[str, str]
JsonPath = tuple[str | int, ...]

MAX_SERVICE = 31  # octets: 32 with the NUL that ends them
MAX_PATH = 1000

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_STEP = re.compile(r'\.([^.\[\]"]+)|\."([^"]+)"|\[([0-9]{1,9})\]')


def service(text: str) -> str:
    """The name of a service of lbcd, such as `default` or `http:8080`."""
    if not text:
        raise ValueError("empty name")
    if len(text.encode()) > MAX_SERVICE:
        raise ValueError(f"longer than {MAX_SERVICE} octets")
    if not all("!" <= character <= "~" for character in text):
        raise ValueError(
            f"expected visible ASCII characters without spaces, got {shown(text)}"
        )
    if text == "cmd":
        raise ValueError('lbcd never gives "cmd" by name; make it its default service')
    return text


def metric(text: str) -> str:
    """The name of a metric."""
    if not _METRIC.fullmatch(text):
        raise ValueError(f"{shown(text)} can't be the name of a metric")
    return text


def labels(raw: object) -> tuple[MetricLabel, ...]:
    """A table of labels and the values they must have; in the order of the labels."""
    if not isinstance(raw, dict):
        raise ValueError(f'expected a table, {{LABEL = "VALUE"}}, got {shown(raw)}')
    for name, value in raw.items():
        if not _LABEL.fullmatch(name):
            raise ValueError(f"{shown(name)} can't be the name of a label")
        if not isinstance(value, str):
            raise ValueError(f"{name}: expected text, got {shown(value)}")
    return tuple(sorted(raw.items()))


def rate(raw: object) -> float | None:
    """Seconds over which a rate is taken; 0 (`true`) from one sample to the next.

    None (`false`) is no rate.
    """
    if isinstance(raw, bool):
        return 0.0 if raw else None
    try:
        number = duration(raw)
    except ValueError:
        number = None
    if not isinstance(number, int | float):
        raise ValueError(f"expected true or {EXPECTED}, got {shown(raw)}")
    if not 1 <= number <= 3600:
        raise ValueError(f"expected true or from 1 to 3600 seconds, got {shown(raw)}")
    return float(number)


def json_path(text: str) -> str:
    """Where a value stands in a JSON text: `a.b[0].c`, `[1]."a key"`."""
    split_path(text)
    return text


def split_path(text: str) -> JsonPath:
    """The keys and indices of a path; raises `ValueError`."""
    if not text:
        raise ValueError("empty path")
    if len(text) > MAX_PATH:
        raise ValueError(f"longer than {MAX_PATH} characters")
    steps: list[str | int] = []
    whole = text if text.startswith("[") else "." + text
    position = 0
    while position < len(whole):
        match = _STEP.match(whole, position)
        if match is None:
            rest = shown(whole[position:])
            raise ValueError(f"expected KEY.KEY[INDEX], and don't understand {rest}")
        key, quoted, index = match.groups()
        steps.append(int(index) if index is not None else key or quoted)
        position = match.end()
    return tuple(steps)
