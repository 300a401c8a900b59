"""A directive that writes down the commands and options as argparse knows them."""

import argparse
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from dinamed.cli import COMMANDS, parser


class Commands(Directive):
    """``.. dinamed-commands::``: all commands with their options."""

    def run(self) -> list[nodes.Node]:
        """The nodes of a definition list."""
        node = nodes.container()
        lines = StringList(list(described()), source="dinamed.cli")
        self.state.nested_parse(lines, self.content_offset, node)
        return node.children


def described() -> list[str]:
    """All commands as reStructuredText."""
    top = parser()
    (commands,) = (
        action
        for action in top._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    lines: list[str] = []
    for name in COMMANDS:
        one = commands.choices[name]
        usage = " ".join(one.format_usage().split()[1:])
        about = (one.description or "").replace("*", r"\*")
        lines += [f"``{usage}``", f"    {about[:1].upper()}{about[1:]}.", ""]
        for action in one._actions:
            if action.help and "-h" not in action.option_strings:
                lines += _option(action)
    return lines


def _option(action: argparse.Action) -> list[str]:
    argument = "" if action.nargs == 0 else f" {_argument(action)}"
    names = action.option_strings or [_argument(action)]
    shown = ", ".join(
        f"``{name}{argument if name[0] == '-' else ''}``" for name in names
    )
    text = (action.help or "") % {**vars(action), "prog": "dinamed"}
    return [f"    {shown}", "        " + text.replace("*", r"\*"), ""]


def _argument(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return action.dest if not action.option_strings else action.dest.upper()


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx."""
    app.add_directive("dinamed-commands", Commands)
    return {"parallel_read_safe": True}
