"""A bounded cache that costs a dict look-up."""

from collections.abc import Iterator
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Generations(Generic[_Key, _Value]):
    """Keeps between `limit` and twice `limit` of the entries used last.

    New entries go into the young generation.  When it is full it becomes the old one,
    and the former old one is dropped; an old entry that is asked for is young again.
    So a flood of keys seen once cannot hold memory, and what is used stays.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._old: dict[_Key, _Value] = {}
        self.young: dict[_Key, _Value] = {}
        """For readers in a hurry: look here first, then `get`."""

    def get(self, key: _Key) -> _Value | None:
        """The entry, or None."""
        value = self.young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: _Key, value: _Value) -> None:
        """Add or replace an entry."""
        if len(self.young) >= self._limit:
            self._old = self.young
            self.young = {}
        self.young[key] = value

    def clear(self) -> None:
        """Forget everything."""
        self._old = {}
        self.young = {}

    def items(self) -> Iterator[tuple[_Key, _Value]]:
        """All entries, those of the old generation first."""
        for key, value in self._old.items():
            if key not in self.young:
                yield key, value
        yield from self.young.items()

    def __len__(self) -> int:
        return len(self._old.keys() | self.young.keys())
