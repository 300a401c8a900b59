"""Reads raw TOML into typed tables, and reports everything that does not fit at once.

The walk follows the annotations of the msgspec Structs in `settings`; msgspec's own
conversion stops at the first error and knows nothing of lines.
"""

import difflib
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Protocol, TypeVar, cast

import msgspec
from msgspec import inspect

from dinamed.config.durations import EXPECTED, duration
from dinamed.config.lines import Path
from dinamed.config.values import credentials, shown
from dinamed.problems import Problem

T = TypeVar("T", bound=msgspec.Struct)

BAD: Final = object()  # stands for a value that was reported and has no use

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key_text(path: Path) -> str:
    """A path as an operator writes it: `pools.mirrors.members[0].weight`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _BARE.fullmatch(part) else _quoted(part)
            text += f".{name}" if text else name
    return text


def _quoted(key: str) -> str:
    return '"' + key.encode("unicode_escape").decode().replace('"', '\\"') + '"'


def one_line(message: str) -> str:
    """`message` with what can't be printed escaped; names and paths may hold it."""
    if message.isprintable():
        return message
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode()
        for one in message
    )


def meant(word: str, known: Iterable[str]) -> str:
    """The rest of a message: `; did you mean "X"?`, or nothing."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f'; did you mean "{near[0]}"?' if near else ""


class Origins(Protocol):
    """Where the keys of a config come from."""

    def problem(self, path: Path, message: str) -> Problem:
        """A problem with the value of a key, on its line or its nearest parent's."""
        ...

    def folder(self, path: Path) -> str:
        """The folder of the file in which a key stands."""
        ...


class Reader:
    """Reads the tables of a config and collects its problems.

    Relative paths become absolute: they begin at the folder of the file they stand in.
    """

    def __init__(self, origins: Origins) -> None:
        self.problems: list[Problem] = []
        self._origins = origins
        self._bad: set[Path] = set()
        self._fields: dict[type, Mapping[str, inspect.Field]] = {}

    def report(self, path: Path, message: str) -> None:
        """Add a problem at `path`, on its line or on its nearest parent's."""
        self.problems.append(self._origins.problem(path, message))
        self._bad.update(path[:length] for length in range(len(path) + 1))

    def intact(self, path: Path) -> bool:
        """Whether no problem has been reported at or below `path`."""
        return path not in self._bad

    def absolute(self, text: str, path: Path) -> str | None:
        """The file that `text` names, where it is the value of the key at `path`.

        `$CREDENTIALS_DIRECTORY` at its beginning is the folder of systemd's
        credentials; None after a report if there is none.
        """
        try:
            text = credentials(text, os.environ)
        except ValueError as refusal:
            self.report(path, str(refusal))
            return None
        return os.path.join(self._origins.folder(path), text)

    def apply(self, form: Callable[[Any], Any], value: object, path: Path) -> object:
        """`form(value)`, or `BAD` when it raised `ValueError`."""
        try:
            return cast(object, form(value))
        except ValueError as refusal:
            self.report(path, str(refusal))
            return BAD

    def table(
        self,
        kind: type[T],
        raw: object,
        path: Path,
        **given: object,
    ) -> T | None:
        """Read a table; None when it isn't one or lacks something required.

        What doesn't fit is reported and left at its default.  `given` are fields
        that come from elsewhere.
        """
        if not isinstance(raw, dict):
            self.report(path, f"expected a table, got {shown(raw)}")
            return None
        fields = self._fields_of(kind)
        ready = dict(given)
        for key, value in raw.items():
            if key not in fields or key in given:
                known = [name for name in fields if name not in given]
                self.unknown((*path, key), value, known)
                continue
            read = self._value(fields[key].type, value, (*path, key))
            if read is not BAD:
                ready[key] = read
        for key, field in fields.items():
            if field.required and key not in raw and key not in given:
                self.report((*path, key), "this key is required")
        if any(field.required and key not in ready for key, field in fields.items()):
            return None
        return kind(**ready)

    def tagged(self, kinds: Mapping[str, type[T]], raw: object, path: Path) -> T | None:
        """Read a table of the kind that its key `type` names, as `table` does."""
        if not isinstance(raw, dict):
            self.report(path, f"expected a table, got {shown(raw)}")
            return None
        here: Path = (*path, "type")
        if "type" not in raw:
            self.report(here, "this key is required")
            return None
        tag = raw["type"]
        kind = kinds.get(tag) if isinstance(tag, str) else None
        if kind is None:
            hint = meant(tag, kinds) if isinstance(tag, str) else ""
            known = ", ".join(kinds)
            self.report(here, f"expected one of {known}, got {shown(tag)}{hint}")
            return None
        rest = {key: value for key, value in raw.items() if key != "type"}
        return self.table(kind, rest, path)

    def unknown(self, path: Path, raw: object, known: Iterable[str]) -> None:
        """Report a key that no table of this kind has."""
        key = str(path[-1])
        hint = meant(key, known)
        named = len(path) == 3 and path[0] in ("zones", "pools")
        if not hint and named and isinstance(raw, dict):
            whole = f"{path[1]}.{key}"
            hint = f'; a name with dots is written in quotes: {path[0]}."{whole}"'
        self.report(path, "unknown key" + hint)

    def _fields_of(self, kind: type[msgspec.Struct]) -> Mapping[str, inspect.Field]:
        fields = self._fields.get(kind)
        if fields is None:
            info = cast(inspect.StructType, inspect.type_info(kind))
            fields = self._fields[kind] = {field.name: field for field in info.fields}
        return fields

    def _value(self, kind: inspect.Type, raw: object, path: Path) -> object:
        match kind:
            case inspect.Metadata():
                return self._marked(kind, raw, path)
            case inspect.UnionType():
                return self._union(kind, raw, path)
            case inspect.VarTupleType() if isinstance(raw, list):
                kinds = [kind.item_type] * len(raw)
                return self._elements(kinds, raw, path)
            case inspect.TupleType() if isinstance(raw, list):
                kinds = list(kind.item_types)
                if len(raw) == len(kinds):
                    values = self._elements(kinds, raw, path)
                    return values if len(values) == len(kinds) else BAD
            case inspect.DictType() if isinstance(raw, dict):
                return self._entries(kind.value_type, raw, path)
            case inspect.StructType():
                table = self.table(kind.cls, raw, path)
                return BAD if table is None else table
            case _ if fits(kind, raw):
                return float(cast(float, raw)) if _is_float(kind) else raw
        listed = isinstance(kind, inspect.VarTupleType) and isinstance(raw, str)
        hint = f"; write [{shown(raw)}]" if listed else ""
        self.report(path, f"expected {words_for(kind, raw)}, got {shown(raw)}{hint}")
        return BAD

    def _marked(self, kind: inspect.Metadata, raw: object, path: Path) -> object:
        """Read a value whose type has marks of our own: see `settings`."""
        extra = kind.extra or {}
        if "read" in extra:
            return self.apply(extra["read"], raw, path)
        if extra.get("unit") == "seconds":
            if type(raw) not in (int, float, str):
                self.report(path, f"expected {EXPECTED}, got {shown(raw)}")
                return BAD
            raw = self.apply(duration, raw, path)
        value = BAD if raw is BAD else self._value(kind.type, raw, path)
        if value is not BAD and "form" in extra:
            value = self.apply(extra["form"], value, path)
        if value is not BAD and extra.get("file"):
            file = self.absolute(cast(str, value), path)
            value = BAD if file is None else file
        return value

    def _union(self, kind: inspect.UnionType, raw: object, path: Path) -> object:
        choices = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        if len(choices) == 1:
            return self._value(choices[0], raw, path)
        for choice in choices:
            if fits(choice, raw):
                return raw
        marked = [one for one in choices if isinstance(one, inspect.Metadata)]
        if len(marked) == 1:
            return self._marked(marked[0], raw, path)
        words = " or ".join(words_for(choice, 0) for choice in choices)
        self.report(path, f"expected {words}, got {shown(raw)}")
        return BAD

    def _elements(
        self, kinds: list[inspect.Type], raw: list[object], path: Path
    ) -> tuple[object, ...]:
        pairs = enumerate(zip(kinds, raw, strict=True))
        read = (self._value(kind, one, (*path, place)) for place, (kind, one) in pairs)
        return tuple(value for value in read if value is not BAD)

    def _entries(
        self, kind: inspect.Type, raw: dict[str, object], path: Path
    ) -> dict[str, object]:
        read = {key: self._value(kind, one, (*path, key)) for key, one in raw.items()}
        return {key: value for key, value in read.items() if value is not BAD}


def _is_float(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.FloatType)


def fits(kind: inspect.Type, raw: object) -> bool:
    """Whether a single TOML value has a type and range; true is no number."""
    match kind:
        case inspect.BoolType():
            return isinstance(raw, bool)
        case inspect.StrType():
            return isinstance(raw, str)
        case inspect.LiteralType():
            return isinstance(raw, str) and raw in kind.values
        case inspect.IntType():
            return type(raw) is int and _in_range(kind, raw)
        case inspect.FloatType():
            if type(raw) not in (int, float) or not _in_range(kind, cast(float, raw)):
                return False
            try:
                return math.isfinite(cast(float, raw))
            except OverflowError:
                return False
    return False


def _in_range(kind: inspect.IntType | inspect.FloatType, raw: float) -> bool:
    return (
        (kind.ge is None or raw >= kind.ge)
        and (kind.gt is None or raw > kind.gt)
        and (kind.le is None or raw <= kind.le)
    )


def words_for(kind: inspect.Type, raw: object) -> str:
    """The name of a type for operators, with its range if `raw` has the type."""
    match kind:
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return "text"
        case inspect.LiteralType():
            return " or ".join(map(shown, kind.values))
        case inspect.IntType():
            return "a whole number" + (_range_words(kind) if type(raw) is int else "")
        case inspect.FloatType():
            number = type(raw) in (int, float)
            return "a number" + (_range_words(kind) if number else "")
        case inspect.TupleType():
            return f"a list of {len(kind.item_types)}"
        case inspect.VarTupleType(item_type=inspect.StructType()):
            return "a list of tables"
        case inspect.VarTupleType():
            return "a list"
    return "a table"


def _range_words(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.gt is not None:
        return f" over {kind.gt}"
    if kind.ge is None:
        return ""
    if kind.le is None or kind.le > 2**53:
        return f" of at least {kind.ge}"
    return f" from {kind.ge} to {kind.le}"
