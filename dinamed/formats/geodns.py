"""Reads the zone files of geodns: one JSON file a zone."""

import os
from collections.abc import Callable

from dinamed.config.reader import meant
from dinamed.formats.aliases import check_aliases
from dinamed.formats.findings import Findings
from dinamed.formats.json_records import FORMS, read_records
from dinamed.formats.json_text import JsonError, JsonValue, parse
from dinamed.formats.labels import Label, LabelRecord, LabelZone, Soa
from dinamed.formats.names import absolute, label_key
from dinamed.formats.numbers import MAX_TTL, from_json, kind_of
from dinamed.wire.constants import Type
from dinamed.wire.names import MAX_LABEL, MAX_NAME, WireName, to_text
from dinamed.zones.targeting import KINDS

TTL = 120
MAX_HOSTS = 2
TARGETING = "@ country continent"
_ZONE_KEYS = (
    "ttl",
    "serial",
    "contact",
    "max_hosts",
    "closest",
    "targeting",
    "logging",
    "data",
)
_LABEL_KEYS = ("alias", "ttl", "max_hosts", "closest", "health")
_MAX_HOSTS_LIMIT = 65535


def read_geodns(file: str, origin: WireName, findings: Findings) -> LabelZone | None:
    """Read the zone `origin`; None if there is a problem, which is then told."""
    text = findings.read(file, to_text(origin))
    if text is None:
        return None
    return read_text(text, file, origin, findings)


def read_text(
    text: str, file: str, origin: WireName, findings: Findings
) -> LabelZone | None:
    """Read the text of a zone file."""
    before = findings.count

    def repeated(line: int, key: str) -> None:
        findings.warning(
            file, line, f'"{key}"', "stands here again; the last one counts"
        )

    try:
        value = parse(text, repeated)
    except JsonError as error:
        findings.problem(file, error.line, "JSON", str(error))
        return None
    zone = GeodnsReader(file, origin, findings).zone(value)
    return zone if findings.count == before else None


class GeodnsReader:
    """Reads the parts of one zone; also those that pgeodns has in common."""

    forms = FORMS

    def __init__(self, file: str, origin: WireName, findings: Findings) -> None:
        self.file = file
        self.origin = origin
        self.findings = findings

    def zone(self, value: JsonValue) -> LabelZone | None:
        """The whole zone."""
        if not isinstance(value.data, dict):
            self.problem(value.line, "zone", f"expected an object, {_got(value)}")
            return None
        keys = value.data
        self.unknown(keys, _ZONE_KEYS, "")
        if "logging" in keys:
            self.warning(keys["logging"].line, "logging", "has no effect")
        ttl = self.number(keys, "ttl", MAX_TTL, TTL)
        labels = self.labels(keys.get("data"))
        check_aliases(labels, self.findings)
        return LabelZone(
            ttl=ttl,
            serial=self.number(keys, "serial", 2**32 - 1, modified(self.file)),
            soa=Soa(min(10 * ttl, 3600) or 600, 5400, 5400, 1209600, 3600),
            contact=self.contact(keys.get("contact")),
            primary=self.primary(labels),
            max_hosts=self.max_hosts(keys, "") or MAX_HOSTS,
            closest=self.closest(keys, "") or False,
            kinds=self.kinds(keys.get("targeting")),
            labels=labels,
        )

    def labels(self, value: JsonValue | None) -> dict[bytes, Label]:
        """All labels; where nothing is said there are none."""
        labels: dict[bytes, Label] = {}
        if value is None:
            self.problem(None, "data", "the zone has no data")
            return labels
        if not isinstance(value.data, dict):
            self.problem(value.line, "data", f"expected an object, {_got(value)}")
            return labels
        for text, one in value.data.items():
            label = self.label(text, one)
            if label is None:
                continue
            key = label_key(text)
            if key in labels:
                first = f'"{labels[key].text}" on line {labels[key].line}'
                self.problem(one.line, f'"{text}"', f"the same label as {first}")
            else:
                labels[key] = label
        return labels

    def label(self, text: str, value: JsonValue) -> Label | None:
        """One label; None if it is none."""
        shown = f'"{text}"'
        try:
            if len(label_key(text)) + len(self.origin) > MAX_NAME:
                raise ValueError("name longer than 255 octets")
        except ValueError as error:
            if len(text) + len(self.origin) > MAX_NAME or _has_long_part(text):
                # Nobody can ask for it.
                self.warning(value.line, shown, f"{error}: left out")
            else:
                self.problem(value.line, shown, str(error))
            return None
        if not isinstance(value.data, dict):
            self.problem(value.line, shown, f"expected an object, {_got(value)}")
            return None
        keys = value.data
        self.unknown(keys, (*_LABEL_KEYS, *self.forms), f"{shown} ")
        records = {}
        for name, form in self.forms.items():
            if name in keys and keys[name].data is not None:
                what = f"{shown} {name}"
                records[form.type] = read_records(
                    form,
                    keys[name],
                    self.origin,
                    self.teller(self.problem, what),
                    self.teller(self.warning, what),
                )
        ttl = self.number(keys, "ttl", MAX_TTL, 0, f"{shown} ")
        health = self.health(keys.get("health"), f"{shown} health")
        self.beside(records, shown, value.line)
        return Label(
            text=text,
            file=self.file,
            line=value.line,
            records=records,
            alias=self.alias(keys.get("alias"), f"{shown} alias"),
            ttl=ttl or None,
            max_hosts=self.max_hosts(keys, f"{shown} "),
            closest=self.closest(keys, f"{shown} "),
            health=health,
        )

    def beside(
        self, records: dict[int, tuple[LabelRecord, ...]], shown: str, line: int
    ) -> None:
        """Warn of a CNAME beside other records (RFC 1034 section 3.6.2)."""
        if records.get(Type.CNAME) and any(
            entries for rrtype, entries in records.items() if rrtype != Type.CNAME
        ):
            self.warning(line, shown, "other records stand beside a CNAME")

    def alias(self, value: JsonValue | None, what: str) -> bytes | None:
        """The key of the label that another one stands for."""
        if value is None or value.data is None:
            return None
        if not isinstance(value.data, str):
            self.problem(value.line, what, f"expected text, {_got(value)}")
            return None
        try:
            return label_key(value.data)
        except ValueError as error:
            self.problem(value.line, what, f'"{value.data[:60]}": {error}')
            return None

    def health(self, value: JsonValue | None, what: str) -> bool:
        """Whether the health of a label's records counts."""
        if value is None or value.data is None:
            return False
        if not isinstance(value.data, dict):
            self.problem(value.line, what, f"expected an object, {_got(value)}")
            return False
        return "name" in value.data or "type" in value.data

    def kinds(self, value: JsonValue | None) -> tuple[str, ...]:
        """The kinds of targets of the zone."""
        text = TARGETING
        if value is not None and value.data is not None:
            if not isinstance(value.data, str):
                self.problem(value.line, "targeting", f"expected text, {_got(value)}")
                return ()
            text = value.data
        words = text.split()
        for word in words:
            if word not in KINDS and value is not None:
                message = f'no target "{word[:40]}"{meant(word, KINDS)}'
                self.problem(value.line, "targeting", message)
        return tuple(kind for kind in KINDS if kind in words)

    def contact(self, value: JsonValue | None) -> WireName:
        """The SOA's mailbox."""
        default = b"\x0ahostmaster" + self.origin
        if value is None or value.data is None:
            return default
        try:
            if not isinstance(value.data, str):
                raise ValueError(f"expected text, {_got(value)}")
            return absolute(value.data.replace("@", "."))
        except ValueError as error:
            self.problem(value.line, "contact", str(error))
            return default

    def primary(self, labels: dict[bytes, Label]) -> WireName:
        """The SOA's primary name server: the first of the apex."""
        apex = labels.get(b"")
        servers = apex.records.get(Type.NS, ()) if apex is not None else ()
        return servers[0].rdata if servers else b"\x02ns" + self.origin

    def max_hosts(self, keys: dict[str, JsonValue], before: str) -> int | None:
        """How many addresses an answer has; None if nothing is said."""
        number = self.number(keys, "max_hosts", _MAX_HOSTS_LIMIT, 0, before)
        return number or None

    def closest(self, keys: dict[str, JsonValue], before: str) -> bool | None:
        """Whether the nearest are preferred; None if nothing is said."""
        value = keys.get("closest")
        if value is None or value.data is None:
            return None
        if not isinstance(value.data, bool):
            message = f"expected true or false, {_got(value)}"
            self.problem(value.line, before + "closest", message)
            return None
        return value.data

    def number(
        self,
        keys: dict[str, JsonValue],
        key: str,
        high: int,
        default: int,
        before: str = "",
    ) -> int:
        """A number of the zone or of a label."""
        value = keys.get(key)
        if value is None or value.data is None:
            return default
        try:
            return from_json(value, high)
        except ValueError as error:
            self.problem(value.line, before + key, str(error))
            return default

    def unknown(
        self, keys: dict[str, JsonValue], known: tuple[str, ...], before: str
    ) -> None:
        """Name the keys that nobody knows."""
        for key, value in keys.items():
            if key not in known:
                hint = meant(key, known)
                self.warning(
                    value.line, f'{before}"{key}"', f"unknown key, left out{hint}"
                )

    def problem(self, line: int | None, key: str, message: str) -> None:
        """Report a problem in this file."""
        self.findings.problem(self.file, line, key, message)

    def warning(self, line: int | None, key: str, message: str) -> None:
        """Report something that was left out."""
        self.findings.warning(self.file, line, key, message)

    @staticmethod
    def teller(
        tell: Callable[[int | None, str, str], None], what: str
    ) -> Callable[[int, str], None]:
        """A function that reports about `what`."""
        return lambda line, message: tell(line, what, message)


def modified(file: str) -> int:
    """The time of a file's last change in whole seconds of Unix time, for a serial."""
    try:
        return int(os.stat(file).st_mtime) & 0xFFFFFFFF
    except (OSError, ValueError):
        return 0


def _got(value: JsonValue) -> str:
    return f"got {kind_of(value)}"


def _has_long_part(text: str) -> bool:
    return any(len(part) > MAX_LABEL for part in text.split("."))
