"""From the name or the path of a scenario to the scenario, or to its problems."""

from importlib.resources import files

from dinamed.config.reader import Reader, meant
from dinamed.config.sources import SourceFile, Sources, parse_text, read_file
from dinamed.config.values import shown
from dinamed.pools.stages.registry import load_stages
from dinamed.problems import Problem
from dinamed.simulator.rules import check
from dinamed.simulator.scenario import Scenario

DEFAULT = "steady"


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
        return _scenario(read_file(name))
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
    return _scenario(parse_text(file, text))


def _scenario(source: SourceFile | Problem) -> Scenario:
    if isinstance(source, Problem):
        raise BadScenarioError([source])
    reader = Reader(Sources(source))
    scenario = reader.table(Scenario, source.tables, ())
    if scenario is not None:
        check(scenario, reader, load_stages())
    if reader.problems or scenario is None:
        raise BadScenarioError(sorted(reader.problems, key=lambda p: p.line or 0))
    return scenario
