"""Tests of durations: what they are read as, and that no time is without them."""

from collections.abc import Iterator

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import checks, feeds, values
from dinamed.config.durations import UNITS, duration, seconds, seconds_range
from dinamed.config.settings import Settings
from dinamed.config.stages import STAGES
from tests.config.folder import FolderTestCase

TIMES = ("interval", "timeout", "idle", "total", "age", "after", "lease", "linger")
"""Words in the names of keys that say: this is a time."""


class TextTests(SynchronousTestCase):
    """A duration by itself."""

    def test_units(self) -> None:
        """Each unit, several of them, and digits alone."""
        for text, wanted in (
            ("90", 90),
            ("0", 0),
            ("90s", 90),
            ("5m", 300),
            ("2h", 7200),
            ("14d", 1209600),
            ("2w", 1209600),
            ("1h30m", 5400),
            ("0.5s", 0.5),
            ("1.5h", 5400),
        ):
            found = seconds(text)
            self.assertEqual((found, type(found)), (wanted, type(wanted)), text)

    def test_refused(self) -> None:
        """What is not a duration, or might be meant in two ways."""
        for text in ("", "s", "5 m", "-5m", "5M", "5min", "1m1h", "1h1h", "1.5", "٣s"):
            with self.assertRaises(ValueError, msg=text):
                seconds(text)

    def test_ranges(self) -> None:
        """Both ends may have units."""
        self.assertEqual(seconds_range("30s-5m"), (30, 300))
        self.assertEqual(seconds_range("30-300"), (30, 300))
        self.assertEqual(seconds_range("1h"), (3600, 3600))
        for text in ("-5m", "5m-", "1-2-3", "-"):
            self.assertRaises(ValueError, seconds_range, text)

    @given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS)))
    def test_any(self, number: int, unit: str) -> None:
        """A whole number of units is a whole number of seconds."""
        self.assertEqual(seconds(f"{number}{unit}"), number * UNITS[unit])

    @given(st.text(max_size=20) | st.integers() | st.booleans() | st.none())
    def test_anything(self, raw: object) -> None:
        """Any value is read, left alone, or refused in one line."""
        try:
            duration(raw)
        except ValueError as refusal:
            self.assertNotIn("\n", str(refusal))


def keys(
    kind: inspect.Type, name: str = "", above: tuple[type, ...] = ()
) -> Iterator[tuple[str, inspect.Type]]:
    """All keys below a type: dotted name and type; those inside themselves once."""
    match kind:
        case inspect.StructType(cls) if cls in above:
            return
        case inspect.StructType(cls):
            for field in kind.fields:
                yield from keys(
                    field.type, f"{cls.__name__}.{field.name}", (*above, cls)
                )
        case inspect.UnionType():
            for one in kind.types:
                yield from keys(one, name, above)
        case inspect.VarTupleType():
            yield from keys(kind.item_type, name, above)
        case inspect.DictType():
            yield from keys(kind.value_type, name, above)
        case _:
            yield name, kind


def is_plain_number(kind: inspect.Type) -> bool:
    """Whether it is a number that has no mark."""
    return isinstance(kind, inspect.IntType | inspect.FloatType)


class ConfigTests(FolderTestCase):
    """Durations in a config."""

    def test_every_time(self) -> None:
        """Whatever key is named after a time takes a duration."""
        for name, kind in keys(msgspec.inspect.type_info(Settings)):
            if any(word in name.partition(".")[2].split("_") for word in TIMES):
                self.assertFalse(is_plain_number(kind), name)

    def test_read(self) -> None:
        """In checks, feeds, limits, TTLs and arguments of stages."""
        read = self.settings(
            """
            [limits]
            tcp_idle = "1m"
            [pools.p]
            ttl = "30s-5m"
            select = [{predictive = {duration = "10m"}}]
            members = [{name = "m", addresses = ["192.0.2.1"]}]
            [pools.p.check]
            type = "file"
            path = "up"
            interval = "1m"
            timeout = "20s"
            max_age = "1h"
            [pools.p.load]
            type = "prometheus"
            url = "http://{address}/"
            metric = "m"
            rate = "5m"
            stale_after = "90"
            """
        )
        (pool,) = read.pools
        (check,) = pool.check
        assert isinstance(check, checks.FileCheck)
        assert isinstance(pool.load, feeds.PrometheusFeed)
        self.assertEqual(read.limits.tcp_idle, 60.0)
        self.assertEqual(pool.ttl, values.Ttl(30, 300))
        self.assertEqual(pool.select[0].argument, {"duration": 600.0})
        self.assertEqual((check.interval, check.limit, check.max_age), (60, 20, 3600))
        self.assertEqual((pool.load.rate, pool.load.stale), (300, 90))
        self.assertIn("predictive", STAGES)

    def test_problems(self) -> None:
        """Text that is no duration, and durations out of range."""
        wanted = (
            'expected a number of seconds or text such as "90s", "5m", "2h" or "14d"'
        )
        self.check_table(
            [
                (
                    "[limits]\ntcp_idle = '5 min'",
                    [f"2: limits.tcp_idle: {wanted}, got '5 min'"],
                ),
                (
                    "[limits]\ntcp_idle = true",
                    [f"2: limits.tcp_idle: {wanted}, got true"],
                ),
                (
                    "[limits]\ntcp_idle = '2d'",
                    [
                        "2: limits.tcp_idle: expected a number from 1 to 86400, "
                        "got 172800",
                    ],
                ),
            ]
        )
