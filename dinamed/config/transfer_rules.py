"""What must hold of keys, and of the transfer, notify, primary and update of zones."""

import os
import stat
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from dinamed.config.key_files import KeyClause, key_clauses
from dinamed.config.lines import Path
from dinamed.config.reader import BAD, Reader, meant
from dinamed.config.settings import ServerSettings, ZoneSettings
from dinamed.config.transfers import (
    KEY_PREFIX,
    Algorithm,
    Grant,
    KeySettings,
    Peer,
    Primary,
    key_name,
    secret,
)
from dinamed.config.values import shown

PLAIN_MAX = 1 << 16
TRANSFER_KEYS = ("notify", "primary", "update")
"""Keys of a zone whose elements may be texts or tables; they are read here."""


def read_keys(reader: Reader, raw: dict[str, object]) -> list[KeySettings]:
    """Read every `[keys.NAME]`, and the files of those that are kept in files."""
    found = []
    seen: dict[str, str] = {}
    for name, table in raw.items():
        path: Path = ("keys", name)
        canonical = reader.apply(key_name, name, path)
        if not isinstance(canonical, str):
            continue
        first = seen.setdefault(canonical, name)
        if first != name:
            reader.report(path, f'the same key as "{first}"')
        key = reader.table(KeySettings, table, path, name=canonical)
        if key is None or not isinstance(table, dict):
            continue
        given = [one for one in ("secret", "secret_file") if one in table]
        if len(given) != 1:
            reader.report(path, "needs one of secret and secret_file")
        elif key.secret_file is not None:
            key = _from_file(reader, key, path, "algorithm" in table)
        found.append(key)
    return found


def _from_file(reader: Reader, key: KeySettings, path: Path, said: bool) -> KeySettings:
    """The key with what its file holds; `said`: the config names an algorithm too."""
    here: Path = (*path, "secret_file")
    file = key.secret_file or ""
    try:
        mode = os.stat(file).st_mode
        if not stat.S_ISREG(mode):
            reader.report(here, f"{file} is not a file")
            return key
        if mode & (stat.S_IROTH | stat.S_IWOTH):
            reader.report(here, f"{file} is open to everybody; chmod o-rw it")
        with open(file, encoding="utf-8") as opened:
            text = opened.read(PLAIN_MAX)
    except UnicodeDecodeError:
        reader.report(here, f"{file} holds no secret in Base64")
        return key
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        reader.report(here, f"can't read {file}: {reason}")
        return key
    clauses = key_clauses(text)
    if not clauses:
        found = reader.apply(secret, text, here)
        return replace(key, secret=found) if isinstance(found, str) else key
    named = [clause for clause in clauses if clause.name == key.name]
    if not named and len(clauses) > 1:
        names = ", ".join(clause.name for clause in clauses)
        reader.report(here, f"{file} has no key {key.name}, but {names}")
        return key
    clause = named[0] if named else clauses[0]
    found = reader.apply(secret, clause.secret, here)
    if isinstance(found, str):
        key = replace(key, secret=found)
    return _with_algorithm(reader, key, clause, path, said)


def _with_algorithm(
    reader: Reader, key: KeySettings, clause: KeyClause, path: Path, said: bool
) -> KeySettings:
    """The key with the algorithm that its file names."""
    file, stated = key.secret_file, clause.algorithm
    if not stated or stated == key.algorithm:
        return key
    if said:
        reader.report(
            (*path, "algorithm"), f"{file} says {stated}; one of them is wrong"
        )
        return key
    try:
        algorithm = msgspec.convert(stated, Algorithm)
    except msgspec.ValidationError:
        reader.report((*path, "secret_file"), f"{file}: {stated} is no algorithm here")
        return key
    return replace(key, algorithm=algorithm)


def without_transfers(table: object) -> object:
    """A zone's table without the keys that `read_transfers` reads."""
    if not isinstance(table, dict):
        return table
    return {key: value for key, value in table.items() if key not in TRANSFER_KEYS}


def read_transfers(
    reader: Reader, zone: ZoneSettings, table: dict[str, object], path: Path
) -> ZoneSettings:
    """Read `notify`, `primary` and `update` of a zone into it."""
    primary = read_primary(reader, table, path)
    return replace(
        zone,
        notify=_elements(reader, Peer, "address", table, (*path, "notify")),
        primary=primary,
        update=_elements(reader, Grant, "key", table, (*path, "update")),
    )


def read_primary(
    reader: Reader, table: dict[str, object], path: Path
) -> tuple[Primary, ...]:
    """Read the key `primary` of a table."""
    here: Path = (*path, "primary")
    primary = _elements(reader, Primary, "address", table, here)
    found = []
    for place, one in enumerate(primary):
        if isinstance(one, Primary):
            _trusting(reader, one, (*here, place))
            found.append(one)
    return tuple(found)


def _trusting(reader: Reader, peer: Primary, path: Path) -> None:
    """Check that the keys of a primary go together, and the file of authorities."""
    given = {
        "server_name": peer.server_name is not None,
        "verify": not peer.verify,
        "ca": peer.ca is not None,
    }
    for key in (key for key, there in given.items() if there):
        if not peer.tls:
            reader.report((*path, key), "has no use without tls = true")
        elif key != "verify" and not peer.verify:
            reader.report((*path, key), "has no use with verify = false")
    if peer.ca is not None and not os.access(peer.ca, os.R_OK):
        reader.report((*path, "ca"), f"can't read {peer.ca}")


def _elements(
    reader: Reader,
    kind: type[Peer | Grant],
    plain: str,
    table: dict[str, object],
    path: Path,
) -> tuple[msgspec.Struct, ...]:
    raw = table.get(str(path[-1]), [])
    if not isinstance(raw, list):
        reader.report(path, f"expected a list, got {shown(raw)}")
        return ()
    found: list[msgspec.Struct] = []
    for place, element in enumerate(raw):
        here: Path = (*path, place)
        if isinstance(element, str):
            text = reader.apply(_key_of if plain == "key" else str, element, here)
            element = BAD if text is BAD else {plain: text}
        if element is BAD:
            continue
        read = reader.table(kind, element, here)
        if read is not None:
            found.append(read)
    return tuple(found)


def _key_of(text: str) -> str:
    if not text.startswith(KEY_PREFIX):
        raise ValueError(f'updates go by keys: expected "key:NAME", got {shown(text)}')
    return text.removeprefix(KEY_PREFIX)


def check_transfers(
    reader: Reader,
    zones: Iterable[ZoneSettings],
    keys: Iterable[KeySettings],
    server: ServerSettings | None,
) -> None:
    """Report keys that are named and not there, and keys that exclude each other."""
    known = {key.name for key in keys}
    for zone in zones:
        path: Path = ("zones", zone.name)
        named: dict[str, list[str | None]] = {
            "transfer": [
                text.removeprefix(KEY_PREFIX) if text.startswith(KEY_PREFIX) else None
                for text in zone.transfer
            ],
            "notify": [peer.key for peer in zone.notify],
            "primary": [peer.key for peer in zone.primary],
            "update": [grant.key for grant in zone.update],
        }
        for where, names in named.items():
            if reader.intact((*path, where)):  # else the places are not those here
                for place, name in enumerate(names):
                    key_exists(reader, name, known, (*path, where, place))
        if zone.update and zone.file is None:
            why = "only zones with a file of their own can be updated"
            reader.report((*path, "update"), why)
        elif zone.update and server is not None and server.state is None:
            why = "what is updated is kept in [server] state, which is not set"
            reader.report((*path, "update"), why)
        for key in ("targets", "aliases"):
            if zone.primary and getattr(zone, key):
                reader.report((*path, key), "has no use in a secondary zone")


def check_shared_keys(
    reader: Reader, transfer: Iterable[str], notify: Iterable[Peer], known: set[str]
) -> None:
    """Check the keys that `[zone_defaults]` names, where zones have them from there."""
    for place, text in enumerate(transfer):
        if text.startswith(KEY_PREFIX):
            name = text.removeprefix(KEY_PREFIX)
            key_exists(reader, name, known, ("zone_defaults", "transfer", place))
    for place, peer in enumerate(notify):
        key_exists(reader, peer.key, known, ("zone_defaults", "notify", place))


def key_exists(reader: Reader, name: str | None, known: set[str], path: Path) -> None:
    """Report the name of a key that is not there."""
    if name is not None and name not in known:
        reader.report(path, f"no key {shown(name)}{meant(name, known)}")
