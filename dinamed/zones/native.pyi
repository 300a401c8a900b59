from collections.abc import Callable, Iterator
from typing import Any

EDITION: int

class RecordTable:
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...
    def __contains__(self, key: object) -> bool: ...
    def __getitem__(self, key: bytes) -> bytes: ...
    def add(self, key: bytes, raw: bytes) -> None: ...
    def read_lines(
        self,
        chunk: bytes,
        position: int,
        place: int,
        zone: bytes,
        origin: bytes,
        suffix: bytes | None,
        key: bytes | None,
        default_ttl: int | None,
        last_counts: bool,
        last_ttl: int | None,
        ns_owners: set[bytes],
    ) -> tuple[int, int, bytes | None, int | None]: ...
    def enter(self, tree: Any) -> None: ...
    def pack_nodes(
        self,
        out: bytearray,
        tree: Any,
        encode: Callable[[bytes, Any], tuple[int, int, bytes]],
        names: dict[bytes, str],
        pool_numbers: dict[str, int],
    ) -> tuple[bytearray, bytearray, list[int], int, int]: ...

class SmallZoneBuilder:
    def build(self, origin: bytes, path: bytes) -> bytes | None: ...

def file_states(paths: list[bytes]) -> bytes: ...
def index(offsets: bytes, hashes: bytes) -> bytearray: ...
def names_in_order(
    data: bytes | memoryview, first: int, end: int, further: list[bytes]
) -> tuple[bytes, bytes, bytes]: ...
