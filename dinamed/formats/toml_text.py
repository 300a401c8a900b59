"""Tables of a config as TOML text, with comments."""

import json
import re
from collections.abc import Iterator, Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def table_lines(
    name: str, table: Mapping[str, object], notes: tuple[str, ...] = ()
) -> Iterator[str]:
    """The lines of a table with that dotted name; `notes` go before it as comments.

    Values are numbers, truth values, text, lists, and tables; a list of tables
    becomes an array of tables.
    """
    for note in notes:
        yield from (f"# {line}" for line in note.splitlines())
    yield f"[{name}]"
    yield from _body(name, table)
    yield ""


def _body(name: str, table: Mapping[str, object]) -> Iterator[str]:
    later: list[tuple[str, object]] = []
    for key, value in table.items():
        if isinstance(value, Mapping) or _is_tables(value):
            later.append((key, value))
        else:
            yield f"{key_text(key)} = {value_text(value)}"
    for key, value in later:
        inner = f"{name}.{key_text(key)}"
        if isinstance(value, Mapping):
            yield f"[{inner}]"
            yield from _body(inner, value)
        elif isinstance(value, list):
            for one in value:
                yield f"[[{inner}]]"
                yield from _body(inner, one)


def _is_tables(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, Mapping) for one in value)
        and not any(len(one) == 1 for one in value)  # a stage and its argument
    )


def key_text(key: str) -> str:
    """A key, in quotes if it needs them."""
    return key if _BARE.fullmatch(key) else _quoted(key)


def value_text(value: object) -> str:
    """A value on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        case list() | tuple():
            return f"[{', '.join(map(value_text, value))}]"
        case Mapping():
            pairs = (f"{key_text(k)} = {value_text(v)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
    return _quoted(value)


def _quoted(value: object) -> str:
    """JSON says it in the same way, but for characters beyond 16 bits, and DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
