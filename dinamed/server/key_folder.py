"""The keys of one zone and the state of its signing, as files."""

import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from dinamed.dnssec.key_files import file_stem, private_text, public_text, read_pair
from dinamed.dnssec.keys import Key, KeyFault, collides
from dinamed.dnssec.rolling import STATE_VERSION, ZoneState
from dinamed.dnssec.signatures import Entry, packed, unpacked
from dinamed.server.kept_files import write_atomically
from dinamed.server.zone_files import file_name
from dinamed.wire.names import WireName, to_text

FOLDER = "dnssec"
"""The folder within `[server] state`."""
STATE_FILE = "state.json"
SIGNATURES_FILE = "signatures"
AHEAD_FILE = "signatures.ahead"
_PRIVATE = ".private"
_MOST_OCTETS = 1 << 16


@dataclass
class HeldKeys:
    """What a folder holds: keys by their labels, when each was made, the state.

    `times` are those of the keys' files, by what they are called there; `problems` are
    files that are not usable, each with its path and why.
    """

    keys: dict[str, Key] = field(default_factory=dict)
    created: dict[str, float] = field(default_factory=dict)
    times: dict[str, Mapping[str, float]] = field(default_factory=dict)
    state: ZoneState | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)


class KeyFolder:
    """Key files as BIND has them, and beside them what a roll waits for.

    `keys` is the folder of the key files, which may hold those of other zones too;
    `state` that of `[server]`, where all else is kept.  One of them may be None.
    """

    def __init__(self, zone: WireName, keys: str | None, state: str | None) -> None:
        self.zone = zone
        own = None if state is None else os.path.join(state, FOLDER, file_name(zone))
        folder = keys or own
        if folder is None:
            raise ValueError("neither a folder for keys nor one for the state")
        self.keys = folder
        self.folder = own or os.path.join(folder, file_name(zone))
        self._shared = keys is not None

    @property
    def state_path(self) -> str:
        """The path of the state file."""
        return os.path.join(self.folder, STATE_FILE)

    @property
    def signatures_path(self) -> str:
        """The path of the file of signatures."""
        return os.path.join(self.folder, SIGNATURES_FILE)

    @property
    def ahead_path(self) -> str:
        """The path of the file of signatures that were made ahead."""
        return os.path.join(self.folder, AHEAD_FILE)

    def read(self, aside: bool = True) -> HeldKeys:
        """All that is there.  Nothing is raised: see `HeldKeys.problems`.

        A state that cannot be read is kept under another name, with `aside`.
        """
        held = HeldKeys()
        for name in self._names(held):
            self._read_key(os.path.join(self.keys, name), held)
        self._read_state(held, aside)
        return held

    def _names(self, held: HeldKeys) -> list[str]:
        try:
            names = sorted(os.listdir(self.keys))
        except FileNotFoundError:
            return []
        except OSError as error:
            held.problems.append((self.keys, error.strerror or str(error)))
            return []
        ours = f"K{to_text(self.zone).replace('/', '%2f')}+"
        return [
            name
            for name in names
            if name.endswith(_PRIVATE) and (name.startswith(ours) or not self._shared)
        ]

    def _read_key(self, path: str, held: HeldKeys) -> None:
        try:
            key, times = read_key(path)
            if key.zone != self.zone:
                raise KeyFault(f"a key of {to_text(key.zone)}")
            others = {one.tag for one in held.keys.values()}
            if collides(key.tag, others):
                raise KeyFault(f"its tag {key.tag} collides with that of another key")
        except KeyFault as fault:
            held.problems.append((path, str(fault)))
        except OSError as error:
            held.problems.append((path, error.strerror or str(error)))
        else:
            held.keys[key.label] = key
            held.created[key.label] = times.get("Created", 0.0)
            held.times[key.label] = times

    def _read_state(self, held: HeldKeys, aside: bool) -> None:
        try:
            with open(self.state_path, "rb") as file:
                state = msgspec.json.decode(file.read(), type=ZoneState)
            if state.version != STATE_VERSION:
                raise ValueError(f"version {state.version} is not known")
        except FileNotFoundError:
            return
        except (OSError, ValueError, msgspec.DecodeError) as error:
            kept = f", and is kept as {STATE_FILE}.bad" if aside else ""
            held.problems.append((self.state_path, f"can't be read{kept}: {error}"))
            if aside:
                with suppress(OSError):
                    os.replace(self.state_path, f"{self.state_path}.bad")
        else:
            held.state = state

    def add(self, key: Key, created: float) -> str:
        """Keep a key, readable by us alone; the path of its secret.

        Raises `OSError`; nothing that is there is written over.
        """
        times = {"Created": created, "Publish": created, "Activate": created}
        make_folder(self.keys)
        stem = os.path.join(self.keys, file_stem(key))
        if os.path.exists(stem + _PRIVATE):
            return stem + _PRIVATE
        # Without its secret a public key is of no use, so that comes last.
        write_atomically(f"{stem}.key", public_text(key, times).encode())
        write_atomically(stem + _PRIVATE, private_text(key, times).encode())
        return stem + _PRIVATE

    def read_signatures(self) -> list[Entry]:
        """What `save_signatures` has written; what cannot be read is made anew."""
        try:
            with open(self.signatures_path, "rb") as file:
                data = file.read()
        except OSError:
            return []
        return list(unpacked(data))

    def save_signatures(self, entries: Iterable[Entry]) -> None:
        """Keep signatures.  Raises `OSError`."""
        make_folder(self.folder)
        write_atomically(self.signatures_path, packed(entries))

    def save(self, state: ZoneState) -> None:
        """Keep the state.  Raises `OSError`."""
        make_folder(self.folder)
        write_atomically(self.state_path, msgspec.json.encode(state))


def make_folder(path: str) -> None:
    """Make a folder that is for us alone, if it is not there.  Raises `OSError`."""
    parent = os.path.dirname(path)
    if parent and not os.path.isdir(parent):
        make_folder(parent)
    os.makedirs(path, 0o700, exist_ok=True)


def read_key(path: str) -> tuple[Key, Mapping[str, float]]:
    """The key whose secret is in a `.private` file, and its times.

    Raises `KeyFault` and `OSError`.
    """
    with open(path, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        private = file.read(_MOST_OCTETS)
    if not stat.S_ISREG(mode):
        raise KeyFault("not a file")
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise KeyFault("open to others; chmod 600 it")
    beside = path.removesuffix(_PRIVATE) + ".key"
    with open(beside, "rb") as file:
        public = file.read(_MOST_OCTETS)
    try:
        return read_pair(public.decode(), private.decode())
    except UnicodeDecodeError:
        raise KeyFault("not a key file") from None
