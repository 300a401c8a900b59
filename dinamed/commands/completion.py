"""`dinamed completion SHELL`: a script that completes what is typed."""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

from dinamed.commands.completion_names import KINDS, names
from dinamed.commands.remote import add_remote_arguments

_NAMED = {"members": "members", "pool": "pools"}
"""Arguments that are names of which the server knows."""
SHELLS = ("bash", "zsh", "fish")


class Words(NamedTuple):
    """What one command can be followed by."""

    name: str
    about: str
    options: tuple[tuple[str, str], ...]
    """Each with its help."""
    choices: tuple[str, ...]
    """Of the argument, if it is one of a few words."""
    names: str
    """What the argument names: `pools`, `members`, or nothing that is known here."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "kind",
        choices=(*SHELLS, *KINDS),
        help="a shell, or the names that its script asks for",
    )
    parser.add_argument(
        "--prefix", metavar="TEXT", default="", help="only names that begin so"
    )
    add_remote_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the script, or names; 0."""
    if arguments.kind in KINDS:
        for name in names(arguments):
            print(name)
        return 0
    commands = list(words(arguments.whole()))
    print(_SCRIPTS[arguments.kind](commands), end="")
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
    known = ""
    for action in parser._actions:
        if action.option_strings:
            about = (action.help or "").partition(" (")[0].replace("%%", "%")
            options += [(option, about) for option in action.option_strings]
        elif action.choices:
            choices = tuple(map(str, action.choices))
        else:
            known = _NAMED.get(action.dest, "")
    return Words(name, parser.description or "", tuple(options), choices, known)


def bash(commands: list[Words]) -> str:
    """For bash: `source <(dinamed completion bash)`."""
    cases = "".join(
        f'        {one.name}) words="{" ".join(_after(one))}" names={one.names} ;;\n'
        for one in commands
    )
    all_commands = " ".join(one.name for one in commands)
    return f"""\
# Completion of dinamed for bash.
_dinamed() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} words names where=() i
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "{all_commands} --help --version" -- "$current"))
        return
    fi
    case ${{COMP_WORDS[COMP_CWORD-1]}} in
        -c|--config|--plot|--clients|--token-file) return ;;
    esac
    case ${{COMP_WORDS[1]}} in
{cases}        *) return ;;
    esac
    if [ -n "$names" ] && [[ $current != -* ]]; then
        for ((i = 2; i < COMP_CWORD; i++)); do
            case ${{COMP_WORDS[i]}} in
                -c|--config) where=(-c "${{COMP_WORDS[i+1]}}") ;;
            esac
        done
        words=$(dinamed completion "$names" --prefix="$current" "${{where[@]}}" 2>&-)
        [[ $words != */ ]] || compopt -o nospace 2>&-
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _dinamed dinamed
"""


def zsh(commands: list[Words]) -> str:
    """For zsh: a file `_dinamed` in a folder of `fpath`."""
    described = "".join(
        f"        {_quoted(f'{one.name}:{one.about}')}\n" for one in commands
    )
    cases = "".join(
        f"        {one.name}) {_names_zsh(one)}compadd -- {' '.join(_after(one))}; "
        "_files ;;\n"
        for one in commands
    )
    return f"""\
#compdef dinamed
# Completion of dinamed for zsh.
_dinamed() {{
    local -a commands=(
{described}    )
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
        if one.names:
            asked = f"(dinamed completion {one.names} --prefix=(commandline -ct))"
            lines.append(f"complete -c dinamed {seen} -f -a {_quoted(asked)}")
    return "\n".join(lines) + "\n"


def _names_zsh(one: Words) -> str:
    if not one.names:
        return ""
    asked = f'dinamed completion {one.names} --prefix="$PREFIX" 2>&-'
    return f'compadd -S "" -- ${{(f)"$({asked})"}}; '


def _after(one: Words) -> list[str]:
    return [*one.choices, *(option for option, _ in one.options)]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


_SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
