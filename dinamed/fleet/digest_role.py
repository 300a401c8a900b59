"""Digests of what should be the same at all servers: told, and compared."""

from collections.abc import Callable, Iterator, Mapping

from dinamed.fleet.records import Codec, Digests
from dinamed.fleet.roles import Sender, Steps, Values, chunk_of, chunks_for

AT_ONCE = 256
"""Digests that are looked through at a stretch."""


class DigestRole:
    """The digests of one kind of things; `own` gives those of this server, by name.

    Equal ones stand for equal things.  What only one server has is no difference.
    """

    def __init__(self, name: str, own: Callable[[], Mapping[str, str]]) -> None:
        self._name = name
        self._own = own
        self._codec = Codec(Digests)
        self._heard: dict[str, dict[str, Mapping[str, str]]] = {}
        self._chunks = 1

    @property
    def name(self) -> str:
        """What the kind is called in keys."""
        return self._name

    def values(self) -> Values:
        """All digests; chunks that have become empty are told as such."""
        found: dict[str, dict[str, str]] = {str(n): {} for n in range(self._chunks)}
        for number, (name, digest) in enumerate(self._own().items()):
            if number % AT_ONCE == AT_ONCE - 1:
                yield None
            found[chunk_of(name, self._chunks)][name] = digest
        octets = 0
        for chunk, digests in found.items():
            data = self._codec.pack(Digests(digests=digests))
            octets += len(data)
            yield chunk, data
        self._chunks = chunks_for(octets, self._chunks)

    def hear(self, sender: Sender, chunk: str, value: bytes) -> Steps:
        """Remember what another server says."""
        told = self._codec.read(value)
        self._heard.setdefault(sender.name, {})[chunk] = told.digests
        yield

    def lost(self, server: str) -> None:
        """What it said is of no use any more."""
        self._heard.pop(server, None)

    def tick(self) -> None:
        """Digests stay as long as their server."""

    def differing(self, server: str) -> tuple[str, ...]:
        """What is here and there, and not the same: names, sorted."""
        return self._differing(server, self._own())

    def all_differing(self) -> Iterator[tuple[str, str]]:
        """The same of all servers: the server and the name."""
        own = self._own()
        for server in self._heard:
            for name in self._differing(server, own):
                yield server, name

    def _differing(self, server: str, own: Mapping[str, str]) -> tuple[str, ...]:
        said = self._heard.get(server, {})
        return tuple(
            sorted(
                name
                for digests in said.values()
                for name, digest in digests.items()
                if own.get(name, digest) != digest
            )
        )
