"""From a page in Prometheus' text format to the samples of one metric."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from dinamed.config.feed_forms import MetricLabel
from dinamed.load.rates import Series

MAX_SERIES = 1000
"""Lines of a page that are looked at closely: each costs some 20 microseconds."""
MAX_LINE = 1024
"""Octets of such a line: the parser goes through long ones again and again."""
MAX_OCTETS = 1 << 17
"""Octets of all of them."""
MAX_PLACES = 30_000
"""Lines in which the metric's name is found at all."""

_ENDS = (b"{", b" ", b"\t")  # what comes after a metric's name
_LABELS = re.compile(rb'\{(?:[^"}]|"(?:[^"\\]|\\.)*+")*+\}', re.DOTALL)
_SECONDS = (1e6, 1e8)
"""What the seconds since 2001 are, taken for milliseconds: times before 1973."""


class BadPage(ValueError):  # noqa: N818
    """The page does not contain the wanted samples; the message says why."""


@dataclass(frozen=True, slots=True)
class MetricSamples:
    """The values of a metric's series, and the Unix time that they have, if any."""

    values: Mapping[Series, float]
    at: float | None = None

    @property
    def total(self) -> float:
        """The sum of all."""
        return math.fsum(self.values.values())


class Selector:
    """Finds the series of a metric that have some labels with some values.

    An empty value is also that of a series without the label, as in Prometheus.
    """

    def __init__(self, metric: str, labels: tuple[MetricLabel, ...] = ()) -> None:
        self.metric = metric
        self.labels = labels
        self._name = metric.encode("ascii")
        self._hints = [_escaped(value) for _, value in labels if value]

    def select(self, page: bytes) -> MetricSamples:
        """The samples of a page.

        Only lines that can matter are parsed; what is wrong elsewhere is not seen.

        @raise BadPage: there are none, or too many, or they are no finite numbers.
        """
        try:
            lines = list(self._lines(page))
            text = b"\n".join(lines).decode("utf-8") + "\n"
            found = self._parse(text)
        except BadPage:
            raise
        except (ValueError, IndexError, KeyError, TypeError, RecursionError) as error:
            # The parser is lax in what it raises.
            raise BadPage(f"a malformed line of {self.metric}: {error}") from None
        if not found.values:
            raise BadPage(f"no series {self._shown()}")
        return found

    def _lines(self, page: bytes) -> Iterator[bytes]:
        """The lines that may be wanted."""
        count = position = members = octets = 0
        while (found := page.find(self._name, position)) >= 0:
            begin = page.rfind(b"\n", position, found) + 1 or position
            end = page.find(b"\n", found)
            if end < 0:
                end = len(page)
            position = end
            members += 1
            if members > MAX_PLACES:
                raise BadPage(f"{self.metric} is in more than {MAX_PLACES} lines")
            after = found + len(self._name)
            if (
                page[begin:found].strip(b" \t\n")
                or page[after : after + 1] not in _ENDS
            ):
                continue
            if end - found > MAX_LINE:
                raise BadPage(f"a line of {self.metric} has over {MAX_LINE} octets")
            line = _without_exemplar(page[found:end], len(self._name))
            if all(hint in line for hint in self._hints):
                count += 1
                octets += len(line)
                if count > MAX_SERIES:
                    raise BadPage(f"more than {MAX_SERIES} series {self._shown()}")
                if octets > MAX_OCTETS:
                    raise BadPage(f"the lines of {self.metric} are too long in all")
                yield line

    def _parse(self, text: str) -> MetricSamples:
        values: dict[Series, float] = {}
        times: list[float] = []
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = sample.labels
                if any(labels.get(name, "") != value for name, value in self.labels):
                    continue
                value = float(sample.value)
                series = tuple(sorted(labels.items()))
                if not math.isfinite(value):
                    raise BadPage(f"{self.metric} is not a number: {value}")
                if series in values:
                    raise BadPage(f"a series of {self.metric} stands there twice")
                values[series] = value
                if sample.timestamp is not None:
                    times.append(_unix_time(float(sample.timestamp)))
        return MetricSamples(values, min(times, default=None))

    def _shown(self) -> str:
        if not self.labels:
            return self.metric
        inside = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.metric}{{{inside}}}"


def _without_exemplar(line: bytes, name: int) -> bytes:
    """A sample without the exemplar of OpenMetrics behind it: `# {trace_id="a"} 1`.

    `name` is the length of the metric's name, behind which the labels stand.
    """
    labels = _LABELS.match(line, name)
    start = name if labels is None else labels.end()
    exemplar = line.find(b"#", start)
    return line if exemplar < 0 else line[:exemplar]


def _unix_time(told: float) -> float:
    """The time of a sample, which the parser took for milliseconds.

    OpenMetrics has seconds, and exporters mix the two up.
    """
    return told * 1000 if _SECONDS[0] <= told < _SECONDS[1] else told


def _escaped(value: str) -> bytes:
    """A label's value as it stands in a line, in its quotes."""
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return b'"' + text.encode() + b'"'
