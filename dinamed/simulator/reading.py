"""From the name or the path of a scenario to the scenario, or to its problems."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path as FilePath

from dinamed.config.reader import Reader, meant
from dinamed.config.values import shown
from dinamed.pools.stages.registry import load_stages
from dinamed.problems import Problem
from dinamed.simulator.rules import check
from dinamed.simulator.scenario import Scenario

MAX_SIZE = 2**20
DEFAULT = "steady"

_PLACE = re.compile(r" \(at line (\d+), column \d+\)$")


class BadScenarioError(Exception):
    """A scenario can't be used; `problems` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def shipped() -> dict[str, str]:
    """The text of each scenario that comes with dinamed, by name."""
    folder = files("dinamed.simulator") / "scenarios"
    return {
        file.name.removesuffix(".toml"): file.read_text("utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }


def load(name: str) -> Scenario:
    """The scenario of that name, or from the file at that path.

    A name has neither a slash nor a dot in it.

    @raise BadScenarioError: there is none, or it is not usable.
    """
    if "/" in name or "." in name:
        return parse(name, _text(name))
    texts = shipped()
    if name not in texts:
        there = ", ".join(texts)
        message = f"no scenario {shown(name)}{meant(name, texts)}; there are: {there}"
        raise BadScenarioError([Problem(name, None, "scenario", message)])
    return parse(f"{name}.toml", texts[name])


def parse(file: str, text: str) -> Scenario:
    """Read a scenario from a TOML text; `file` is for messages.

    @raise BadScenarioError: with every problem there is.
    """
    try:
        raw = tomllib.loads(text)
    except RecursionError:
        raise BadScenarioError(
            [Problem(file, None, "TOML", "nested too deeply")]
        ) from None
    except ValueError as error:
        place = _PLACE.search(message := str(error))
        line = int(place[1]) if place else None
        problem = Problem(file, line, "TOML", _PLACE.sub("", message))
        raise BadScenarioError([problem]) from None
    reader = Reader(file, text)
    scenario = reader.table(Scenario, raw, ())
    if scenario is not None:
        check(scenario, reader, load_stages())
    if reader.problems or scenario is None:
        raise BadScenarioError(sorted(reader.problems, key=lambda p: p.line or 0))
    return scenario


def _text(path: str) -> str:
    try:
        with FilePath(path).open("rb") as file:
            data = file.read(MAX_SIZE + 1)
        if len(data) > MAX_SIZE:
            raise ValueError(f"larger than {MAX_SIZE // 2**20} MiB")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem(path, line, "file", f"not UTF-8: {error.reason}")
    except OSError as error:
        problem = Problem(path, None, "file", f"can't read: {error.strerror}")
    except ValueError as error:
        problem = Problem(path, None, "file", f"can't read: {error}")
    raise BadScenarioError([problem])
