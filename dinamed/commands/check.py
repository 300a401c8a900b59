"""`dinamed check FILE`: read a config and all files it names; print every problem."""

import argparse
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, replace

from dinamed.config.check import Everything, load_all
from dinamed.config.settings import Settings
from dinamed.config.zone_rules import origin
from dinamed.problems import Problem
from dinamed.server.garbage import uncollected
from dinamed.wording import counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("file", metavar="FILE", help="the config file (TOML)")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 if there are warnings too"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """Print `FILE:LINE: key: message` for each problem; 0 if there is none, else 1.

    What can be served, but is most likely not what was meant, is a warning.
    """
    with uncollected():
        everything = load_all(arguments.file)
    if everything.settings is not None:
        bad_keys = key_problems(everything.settings)
        if bad_keys:
            everything = replace(everything, settings=None, problems=bad_keys)
    strict = arguments.strict and bool(everything.warnings)
    good = everything.settings is not None and not strict
    if arguments.json:
        print(json.dumps(as_json(everything, good), indent=2))
    else:
        for problem in (*everything.problems, *everything.warnings):
            print(problem)
        if everything.settings is not None and good:
            size = ", ".join(summary(everything.settings))
            print(f"{arguments.file}: ok: {size}")
    return 0 if good else 1


def key_problems(settings: Settings) -> list[Problem]:
    """What is wrong with the key files of zones that are signed.

    Files that are not ours to read are passed over: the server is another user.
    """
    signed = [zone for zone in settings.zones if zone.dnssec is not None]
    if not signed:
        return []
    # With this comes all that signs, which takes longer to import than most configs do
    # to be read.
    from dinamed.server.key_folder import KeyFolder

    found = []
    for zone in signed:
        assert zone.dnssec is not None
        folder = KeyFolder(origin(zone), zone.dnssec.keys, settings.server.state)
        if os.path.isdir(folder.keys) and os.access(folder.keys, os.R_OK | os.X_OK):
            held = folder.read(aside=False)
            key = f'zones."{zone.name}".dnssec'
            found += [Problem(path, None, key, why) for path, why in held.problems]
    return found


def as_json(everything: Everything, good: bool) -> dict[str, object]:
    """The problems as JSON, for programs."""
    return {
        "ok": good,
        "errors": _listed(everything.problems),
        "warnings": _listed(everything.warnings),
    }


def _listed(problems: Iterable[Problem]) -> list[dict[str, object]]:
    return [asdict(problem) for problem in problems]


def summary(settings: Settings) -> list[str]:
    """The size of a config: `2 zones`, `3 pools`, `14 members`."""
    members = sum(len(pool.members) for pool in settings.pools)
    return [
        counted(len(settings.zones) + len(settings.file_zones.origins), "zone"),
        counted(len(settings.pools), "pool"),
        counted(members, "member"),
    ]
