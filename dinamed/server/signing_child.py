"""The process that signs a zone ahead: ``python -m dinamed.server.signing_child``.

It reads an `AheadJob` from standard input, behind its length in four octets, and the
packed zone from descriptor 3.  For each file of signatures that it has written it
prints a line with their number.  When standard input ends before it has done it keeps
what it has and ends too: so it never outlives the server for long.
"""

import fcntl
import mmap
import os
import select
import sys
from collections.abc import Callable

import msgspec

from dinamed.dnssec.ahead import AheadJob, AheadStore, sign_ahead
from dinamed.dnssec.ready_signatures import ReadySignatures
from dinamed.server.kept_files import write_pieces
from dinamed.zones.packed import PackedZone

ZONE_DESCRIPTOR = 3
_LENGTH = 4
_LOOK_EACH = 256
"""RRsets between two looks at whether this is still wanted."""
_FIRST_SAVE = 1 << 17
"""New signatures after which what there is is saved; then whenever they are twice."""


def read_ready(path: str) -> ReadySignatures | None:
    """The signatures in a file, mapped; None if there is no such file or it is none."""
    try:
        with open(path, "rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        return ReadySignatures(memoryview(mapped))
    except (OSError, ValueError):
        return None


def carry_out(
    job: AheadJob,
    zone: PackedZone,
    wanted: Callable[[], bool],
    tell: Callable[[int], object],
) -> AheadStore:
    """Sign until all is signed or it is not `wanted` any more; `tell` of each file.

    Raises `KeyFault`, and `OSError` if a file can't be written.
    """
    before = read_ready(job.path)
    room = max(key.signature_size for key in job.signers())
    store = AheadStore(room, before)
    known = 0 if before is None else len(before)
    save_at = _FIRST_SAVE
    done = True
    for count, _ in enumerate(sign_ahead(job.online(zone, store), job.moments), 1):
        if store.made >= save_at and len(store.gathered) > known:
            save_at *= 2
            _save(job.path, store, tell)
        if count % _LOOK_EACH == 0 and not wanted():
            done = False
            break
    if (done or len(store.gathered) > known) and store.made:
        _save(job.path, store, tell)
    return store


def _save(path: str, store: AheadStore, tell: Callable[[int], object]) -> None:
    write_pieces(path, store.gathered.pieces())
    tell(len(store.gathered))


def _wanted() -> bool:
    return not select.select([0], [], [], 0)[0]


def _tell(count: int) -> None:
    os.write(1, b"%d\n" % count)


def main() -> None:
    """Do what standard input asks for."""
    os.nice(19)
    source = sys.stdin.buffer
    length = int.from_bytes(source.read(_LENGTH), "big")
    job = msgspec.msgpack.decode(source.read(length), type=AheadJob)
    mapped = mmap.mmap(ZONE_DESCRIPTOR, 0, prot=mmap.PROT_READ)
    folder = os.open(os.path.dirname(job.path), os.O_RDONLY)
    try:
        # Two servers are there while one takes over from the other: one will do.
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        carry_out(job, PackedZone(memoryview(mapped)), _wanted, _tell)
    except OSError as error:
        sys.exit(f"{job.path}: {error.strerror or error}")


if __name__ == "__main__":
    main()
