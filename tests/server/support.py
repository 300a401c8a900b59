"""Responders, messages and configs for the tests of the shell."""

from pathlib import Path
from random import Random
from typing import cast

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from dinamed.plans.context import unpacked
from dinamed.plans.engine import Learner
from dinamed.server.authority import Authority
from dinamed.server.config_loader import Configuration, load_here
from tests.plans.support import HEAD, STARTED, query

QUESTION = query("www.example.org.", "A").to_wire()

CONFIG = """\
[server]
identity = "ns-test"
[zones."example.org"]
file = "example.org.zone"
[zones."example.org".names]
ftp = "mirrors"
[pools.mirrors]
[[pools.mirrors.members]]
name = "a"
addresses = ["192.0.2.1", "2001:db8::1"]
[[pools.mirrors.members]]
name = "b"
addresses = ["192.0.2.2"]
"""
ZONE = HEAD + "www IN A 192.0.2.80\n"


class Parrot:
    """Answers every message with itself, and takes down from whom it came.

    An empty message gets no answer.
    """

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, str, bool]] = []

    def respond(
        self,
        data: bytes,
        source: bytes,
        stream: bool = False,
        learner: Learner | None = None,
    ) -> bytes | None:
        """The same again."""
        self.heard.append((data, unpacked(source), stream))
        return data or None

    def test(self) -> None:
        """It is always able to."""


def write_config(
    folder: str, config: str = CONFIG, zone: str = ZONE, name: str = "example.org.zone"
) -> str:
    """Write a config and a zone into a folder of their own; the config's path."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    (path / name).write_text(zone)
    (path / "dinamed.toml").write_text(config)
    return str(path / "dinamed.toml")


def frame(data: bytes) -> bytes:
    """A message as it goes over a stream."""
    return len(data).to_bytes(2, "big") + data


class Clock:
    """Unix time that a test sets."""

    def __init__(self) -> None:
        self.now = STARTED

    def __call__(self) -> float:
        return self.now


def authority_of(loaded: Configuration, clock: Clock | None = None) -> Authority:
    """What serves a config that is loaded."""
    return Authority(loaded, clock or Clock(), Random(3))


def load_config(folder: str, config: str = CONFIG, zone: str = ZONE) -> Configuration:
    """Write a config and its zone, and read them."""
    return load_here(write_config(folder, config, zone))


def captured(case: SynchronousTestCase) -> list[LogEvent]:
    """What is logged from here to the end of the test."""
    events: list[LogEvent] = []
    observer = cast(ILogObserver, events.append)
    globalLogPublisher.addObserver(observer)
    case.addCleanup(globalLogPublisher.removeObserver, observer)
    return events
