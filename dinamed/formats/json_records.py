"""The records of a label in the JSON of geodns and pgeodns."""

import struct
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from dinamed.formats.json_text import JsonValue
from dinamed.formats.labels import LabelRecord
from dinamed.formats.names import absolute, address, character_strings, in_zone
from dinamed.formats.numbers import MAX_WEIGHT, from_json, kind_of
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName

SPF = 99
U16 = 65535

Tell = Callable[[int, str], None]
"""Takes a line and a message."""


class ShapeError(ValueError):
    """The JSON has another shape than this type has."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class RecordFields(NamedTuple):
    """One record as it is written: its parts by name."""

    line: int
    parts: Mapping[str, JsonValue]

    def text(self, *names: str) -> str:
        """The first part that there is; it must be text."""
        for name in names:
            if name in self.parts:
                value = self.parts[name]
                if isinstance(value.data, str):
                    return value.data
                raise ShapeError(
                    value.line, f"expected text for {name}, got {kind_of(value)}"
                )
        raise ShapeError(self.line, f"lacks {names[0]}")

    def number(self, name: str, high: int = U16) -> int:
        """A number, 0 where it is left out."""
        value = self.parts.get(name)
        return 0 if value is None or value.data is None else from_json(value, high)


class Form(NamedTuple):
    """How records of a type are written.

    `key` names the part that a list without names begins with, `known` all others
    that an object may have; `single` tells that the list may be left out.
    """

    type: int
    key: str
    known: frozenset[str]
    convert: Callable[[RecordFields, WireName], bytes]
    single: bool = False


def _a(fields: RecordFields, origin: WireName) -> bytes:
    return address(fields.text("ip", "a"), 4)


def _aaaa(fields: RecordFields, origin: WireName) -> bytes:
    return address(fields.text("ip", "aaaa"), 6)


def _cname(fields: RecordFields, origin: WireName) -> bytes:
    return in_zone(fields.text("cname"), origin)


def _mx(fields: RecordFields, origin: WireName) -> bytes:
    preference = fields.number("preference")
    return struct.pack("!H", preference) + absolute(fields.text("mx"))


def _ns(fields: RecordFields, origin: WireName) -> bytes:
    return absolute(fields.text("ns"))


def _ptr(fields: RecordFields, origin: WireName) -> bytes:
    return absolute(fields.text("ptr"))


def _srv(fields: RecordFields, origin: WireName) -> bytes:
    numbers = [fields.number(name) for name in ("priority", "srv_weight", "port")]
    return struct.pack("!3H", *numbers) + in_zone(fields.text("target"), origin)


def _txt(fields: RecordFields, origin: WireName) -> bytes:
    return character_strings(fields.text("txt"))


def _spf(fields: RecordFields, origin: WireName) -> bytes:
    return character_strings(fields.text("spf", "txt"))


_SHARE = frozenset({"weight", "health"})

FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "a": Form(Type.A, "ip", _SHARE | {"ip", "a"}, _a),
        "aaaa": Form(Type.AAAA, "ip", _SHARE | {"ip", "aaaa"}, _aaaa),
        "cname": Form(Type.CNAME, "cname", _SHARE | {"cname"}, _cname, True),
        "mx": Form(Type.MX, "mx", _SHARE | {"mx", "preference"}, _mx),
        "ns": Form(Type.NS, "ns", frozenset({"ns"}), _ns),
        "ptr": Form(Type.PTR, "ptr", frozenset({"ptr"}), _ptr),
        "srv": Form(
            Type.SRV,
            "target",
            frozenset({"target", "port", "priority", "srv_weight"}),
            _srv,
        ),
        "txt": Form(Type.TXT, "txt", _SHARE | {"txt"}, _txt, True),
        "spf": Form(SPF, "spf", _SHARE | {"spf", "txt"}, _spf, True),
    }
)
"""The types by their key in the JSON of geodns."""


def _absolute_cname(fields: RecordFields, origin: WireName) -> bytes:
    return absolute(fields.text("cname"))


ABSOLUTE_FORMS: Mapping[str, Form] = MappingProxyType(
    {**FORMS, "cname": FORMS["cname"]._replace(convert=_absolute_cname)}
)
"""The same for pgeodns, which adds the final dot to the target of a CNAME."""


def read_records(
    form: Form, value: JsonValue, origin: WireName, problem: Tell, warning: Tell
) -> tuple[LabelRecord, ...]:
    """All records of one type; what is wrong with one of them is a problem."""
    entries: list[LabelRecord] = []
    seen: set[bytes] = set()
    for raw in _elements(form, value, problem):
        try:
            entry = _entry(form, _fields(form, raw), origin, warning)
        except ShapeError as error:
            problem(error.line, str(error))
            continue
        except ValueError as error:
            problem(raw.line, f"{_shown(raw)}: {error}")
            continue
        if entry is None:
            continue
        if entry.rdata in seen:
            warning(raw.line, f"{_shown(raw)} stands here twice; the first one counts")
            continue
        seen.add(entry.rdata)
        entries.append(entry)
    return tuple(entries)


def _elements(form: Form, value: JsonValue, problem: Tell) -> Iterator[JsonValue]:
    match value.data:
        case list():
            yield from value.data
        case None:
            pass
        case dict() if form.type == Type.NS:
            for name, part in value.data.items():
                yield JsonValue(part.line, name)
        case str() if form.single:
            yield value
        case _:
            problem(value.line, f"expected a list, got {kind_of(value)}")


def _fields(form: Form, raw: JsonValue) -> RecordFields:
    match raw.data:
        case str():
            return RecordFields(raw.line, {form.key: raw})
        case list() if raw.data:
            if len(raw.data) > 2:
                raise ShapeError(raw.line, "expected at most two elements")
            names = (form.key, "weight")
            return RecordFields(raw.line, dict(zip(names, raw.data, strict=False)))
        case dict():
            return RecordFields(raw.line, raw.data)
    raise ShapeError(raw.line, f"expected a record, got {kind_of(raw)}")


def _entry(
    form: Form, fields: RecordFields, origin: WireName, warning: Tell
) -> LabelRecord | None:
    for name, part in fields.parts.items():
        if name not in form.known:
            warning(part.line, f'unknown key "{name}", left out')
    if form.type in (Type.TXT, SPF) and not fields.text(form.key, "txt"):
        warning(fields.line, "an empty string is left out")
        return None
    weight = fields.number("weight", MAX_WEIGHT) if "weight" in form.known else 0
    health = ""
    if "health" in form.known and "health" in fields.parts:
        health = fields.text("health")
    return LabelRecord(form.convert(fields, origin), weight, fields.line, health)


def _shown(raw: JsonValue) -> str:
    """A record for a message."""
    data = raw.data
    if isinstance(data, list) and data:
        data = data[0].data
    elif isinstance(data, dict):
        texts = [v.data for v in data.values() if isinstance(v.data, str)]
        data = texts[0] if texts else None
    return f'"{data[:60]}"' if isinstance(data, str) else "this record"
