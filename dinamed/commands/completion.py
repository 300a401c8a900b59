"""`dinamed completion SHELL`: a script that completes what is typed."""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

SHELLS = ("bash", "zsh", "fish")


class Words(NamedTuple):
    """What one command can be followed by."""

    name: str
    about: str
    options: tuple[tuple[str, str], ...]
    """Each with its help."""
    choices: tuple[str, ...]
    """Of the argument, if it is one of a few words."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("shell", choices=SHELLS)


def run(arguments: argparse.Namespace) -> int:
    """Print the script; 0."""
    commands = list(words(arguments.whole()))
    print(_SCRIPTS[arguments.shell](commands), end="")
    return 0


def words(top: argparse.ArgumentParser) -> Iterator[Words]:
    """All commands of a parser, with what follows them."""
    for action in top._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        for name, one in action.choices.items():
            yield _words(name, one)


def _words(name: str, parser: argparse.ArgumentParser) -> Words:
    options: list[tuple[str, str]] = []
    choices: tuple[str, ...] = ()
    for action in parser._actions:
        if action.option_strings:
            about = (action.help or "").partition(" (")[0].replace("%%", "%")
            options += [(option, about) for option in action.option_strings]
        elif action.choices:
            choices = tuple(map(str, action.choices))
    return Words(name, parser.description or "", tuple(options), choices)


def bash(commands: list[Words]) -> str:
    """For bash: `source <(dinamed completion bash)`."""
    cases = "".join(
        f'        {one.name}) words="{" ".join(_after(one))}" ;;\n' for one in commands
    )
    names = " ".join(one.name for one in commands)
    return f"""\
# Completion of dinamed for bash.
_dinamed() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} words
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "{names} --help --version" -- "$current"))
        return
    fi
    case ${{COMP_WORDS[COMP_CWORD-1]}} in
        -c|--config|--plot|--clients|--token-file) return ;;
    esac
    case ${{COMP_WORDS[1]}} in
{cases}        *) return ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _dinamed dinamed
"""


def zsh(commands: list[Words]) -> str:
    """For zsh: a file `_dinamed` in a folder of `fpath`."""
    names = "".join(
        f"        {_quoted(f'{one.name}:{one.about}')}\n" for one in commands
    )
    cases = "".join(
        f"        {one.name}) compadd -- {' '.join(_after(one))}; _files ;;\n"
        for one in commands
    )
    return f"""\
#compdef dinamed
# Completion of dinamed for zsh.
_dinamed() {{
    local -a commands=(
{names}    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    case $words[2] in
{cases}    esac
}}
if [ "$funcstack[1]" = _dinamed ]; then _dinamed "$@"; else compdef _dinamed dinamed; fi
"""


def fish(commands: list[Words]) -> str:
    """For fish: a file in `~/.config/fish/completions`."""
    lines = ["# Completion of dinamed for fish."]
    for one in commands:
        lines.append(
            "complete -c dinamed -n __fish_use_subcommand -f "
            f"-a {one.name} -d {_quoted(one.about)}"
        )
        seen = f"-n '__fish_seen_subcommand_from {one.name}'"
        for option, about in one.options:
            kind = "-l" if option.startswith("--") else "-s"
            name = option.lstrip("-")
            lines.append(
                f"complete -c dinamed {seen} {kind} {name} -d {_quoted(about)}"
            )
        if one.choices:
            choices = _quoted(" ".join(one.choices))
            lines.append(f"complete -c dinamed {seen} -f -a {choices}")
    return "\n".join(lines) + "\n"


def _after(one: Words) -> list[str]:
    return [*one.choices, *(option for option, _ in one.options)]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


_SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
