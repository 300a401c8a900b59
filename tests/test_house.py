"""How the code is built: names, imports, and the size of files.

Where something is not yet as it should be, it is listed; the lists may only shrink.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "dinamed"
LONGEST = 400
"""Lines that a file should have at most."""
PURE = frozenset(
    {
        "config",
        "dnssec",
        "fleet",
        "formats",
        "geo",
        "journal",
        "limits",
        "plans",
        "pools",
        "simulator",
        "wire",
        "zones",
    }
)
"""The rooms that are values and functions alone: they know nothing of Twisted."""
SHELL = frozenset(
    {
        "dinamed.fleet.cookie_role",
        "dinamed.fleet.etcd",
        "dinamed.fleet.etcd_space",
        "dinamed.fleet.etcd_store",
        "dinamed.fleet.key_role",
        "dinamed.fleet.member_role",
        "dinamed.fleet.lease",
        "dinamed.fleet.order_role",
        "dinamed.fleet.prefix_watch",
        "dinamed.fleet.service",
        "dinamed.fleet.steps",
        "dinamed.fleet.store",
        "dinamed.journal.service",
    }
)
"""The modules in them that talk to the world."""
KNOBS = frozenset({"noisy", "clock", "coerceDoc", "postpath"})
"""Attributes that Twisted wants to be set."""

LONG_FILES = frozenset(
    {
        "plane/plane.pxi",
        "plane/service.py",
        "plans/planner.py",
        "pools/manager.py",
        "pools/stages/predictive.py",
    }
)
CIRCLES: frozenset[frozenset[str]] = frozenset()
STRANGERS: frozenset[tuple[str, str]] = frozenset()
"""Where a module sets what belongs to another one, and what."""
OWNERS = re.compile(
    r"accounting|authority|draw|engine|limiter|listening|manager|reloading|replacing"
    r"|responder|saving|updated"
)
"""What variables are called that hold the long-lived objects of the server."""
NATIVE = re.compile(r"^(?:cdef|ctypedef) (?:class|struct|enum) (\w+)", re.MULTILINE)


@cache
def modules() -> dict[str, ast.Module]:
    """All modules of Python, by their full names."""
    found = {}
    for path in sorted(HOUSE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = ast.parse(path.read_text("utf-8"))
    return found


def imports(name: str) -> frozenset[str]:
    """The modules of ours that a module imports, for types only too."""
    found = set()
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in modules() else node.module)
    return frozenset(found & set(modules())) - {name}


def circles() -> set[frozenset[str]]:
    """The sets of modules that import each other, without `dinamed.`."""
    reach = {name: set(imports(name)) for name in modules()}
    for middle in reach:
        for seen in reach.values():
            if middle in seen:
                seen |= reach[middle]
    return {
        frozenset(
            other.removeprefix("dinamed.")
            for other in seen
            if name in reach[other] and other in seen
        )
        for name, seen in reach.items()
        if name in seen
    }


def types() -> Iterator[tuple[str, str]]:
    """The classes that Python defines, with the modules that do."""
    for module, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                yield node.name, module


def twisted_names(tree: ast.Module) -> Iterator[str]:
    """What a module imports of Twisted and zope.interface."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith(("twisted.", "zope.")))


def attributes_set(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What a module assigns to attributes of others: the object and the attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        for target in targets:
            for one in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(one, ast.Attribute):
                    owner = ast.unparse(one.value)
                    if owner not in ("self", "cls"):
                        yield owner, one.attr


class NameTests(SynchronousTestCase):
    def test_types_are_unique(self) -> None:
        """No two modules define a type of the same name, private ones apart."""
        places = defaultdict(list)
        for name, module in types():
            if not name.startswith("_"):
                places[name].append(module)
        twice = {name: where for name, where in places.items() if len(where) > 1}
        self.assertEqual(twice, {})

    def test_native_types_are_unique(self) -> None:
        """No type is defined twice in Cython; a twin in Python may have its name."""
        places = defaultdict(list)
        for pattern in ("*.pyx", "*.pxd", "*.pxi"):
            for path in sorted(HOUSE.rglob(pattern)):
                for name in NATIVE.findall(path.read_text("utf-8")):
                    places[name].append(path.name)
        twice = {name: where for name, where in places.items() if len(where) > 1}
        self.assertEqual(twice, {})


class ImportTests(SynchronousTestCase):
    def test_circles(self) -> None:
        """No modules import each other, but for the circles that are still listed."""
        self.assertLessEqual(circles(), CIRCLES)

    def test_pure_rooms(self) -> None:
        """What decides answers imports nothing of Twisted."""
        found = {
            (name, what)
            for name, tree in modules().items()
            if name.partition(".")[2].partition(".")[0] in PURE and name not in SHELL
            for what in twisted_names(tree)
        }
        self.assertEqual(found, set())

    def test_global_reactor(self) -> None:
        """Only the wiring in `tap` takes the global reactor."""
        found = {
            name
            for name, tree in modules().items()
            if "twisted.internet.reactor" in twisted_names(tree)
        }
        self.assertEqual(found, {"dinamed.tap"})


class ObjectTests(SynchronousTestCase):
    def test_attributes_of_others(self) -> None:
        """Nobody completes or changes the server's objects from outside."""
        found = set()
        for name, tree in modules().items():
            file = name.removeprefix("dinamed.").replace(".", "/") + ".py"
            for owner, attribute in attributes_set(tree):
                last = owner.rpartition(".")[2]
                if OWNERS.fullmatch(last.strip("_")) and attribute not in KNOBS:
                    found.add((file, attribute))
        self.assertLessEqual(found, STRANGERS)


class SizeTests(SynchronousTestCase):
    def test_files(self) -> None:
        """Files have at most 400 lines, but for those that are still listed."""
        found = {
            str(path.relative_to(HOUSE))
            for pattern in ("*.py", "*.pyx", "*.pxd", "*.pxi")
            for path in HOUSE.rglob(pattern)
            if path.read_text("utf-8").count("\n") > LONGEST
        }
        self.assertLessEqual(found, LONG_FILES)
