"""Lists of members that were found, as they outlast a restart."""

import hashlib
import os
from typing import Any
from urllib.parse import quote

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from dinamed.discovery.targets import BadMembersError, MemberReader, Members
from dinamed.discovery.texts import StoredMemberTexts
from dinamed.server.kept_files import kept_aside, write_atomically

FOLDER = "members"
VERSION = 1


class SavedMembers(msgspec.Struct, frozen=True):
    """The content of a file (JSON)."""

    version: int
    pool: str
    members: list[dict[str, Any]]


class MemberFiles:
    """A file for each pool in the folder of `[server] state`; without one, nothing."""

    log = Logger()

    def __init__(self, reactor: Any, state: str | None) -> None:
        self._reactor = reactor
        self._texts = StoredMemberTexts()
        self._folder = None if state is None else os.path.join(state, FOLDER)

    def path(self, pool: str) -> str:
        """Where the members of a pool are kept."""
        name = quote(pool, safe="")
        if len(name) > 200:
            name = hashlib.blake2b(pool.encode(), digest_size=16).hexdigest()
        return os.path.join(self._folder or "", f"{name}.json")

    def read(self, pool: str) -> Members | None:
        """The last list; None if there is none.  What can't be read is kept aside."""
        if self._folder is None:
            return None
        path = self.path(pool)
        try:
            with open(path, "rb") as file:
                saved = msgspec.json.decode(file.read(), type=SavedMembers)
            if saved.version != VERSION or saved.pool != pool:
                raise BadMembersError("not the members of this pool")
            return MemberReader().tables(saved.members)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError) as error:
            self.log.error(
                "the members of {pool} could not be read from {path}: {why}; they are "
                "kept as {aside}",
                pool=pool,
                path=path,
                why=str(error),
                aside=kept_aside(path) or path,
            )
            return None

    def write(self, pool: str, members: Members) -> "Deferred[None]":
        """Keep a list, in a thread; fails with `OSError`."""
        if self._folder is None:
            return succeed(None)
        return deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), self._write, pool, members
        )

    def _write(self, pool: str, members: Members) -> None:
        assert self._folder is not None
        os.makedirs(self._folder, 0o700, exist_ok=True)
        tables = msgspec.Raw(self._texts.array(pool, members))
        saved = {"version": VERSION, "pool": pool, "members": tables}
        write_atomically(self.path(pool), msgspec.json.encode(saved))
