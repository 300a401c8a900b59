"""Reading config and zones: at once, or in a child process while answers go on."""

import mmap
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from dinamed.config.compiled import (
    Compiled,
    KnownZones,
    ServedZones,
    SmallZonePlaces,
    compile_all,
)
from dinamed.config.settings import Settings
from dinamed.config.small_zones import KnownSmall
from dinamed.problems import Problem
from dinamed.server.garbage import uncollected
from dinamed.wire.names import WireName
from dinamed.zones.packed import PackedZone
from dinamed.zones.zoneset import ZoneSet

IN_PROCESS_LIMIT = 1 << 20
"""Octets of config and zone files up to which a child is not worth its start."""
READ_LIMIT = 1 << 18
"""Octets of packed zones up to which they are read: a mapping has a descriptor."""
_OUTPUT = 3
"""The child's file descriptor for packed zones."""


class ConfigError(Exception):
    """The config or its files are not usable; `problems` says where and why."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class CompileError(Exception):
    """The child did not do its work; nothing is known about the config."""


@dataclass(frozen=True)
class Configuration:
    """Everything a config file says, ready to be served."""

    settings: Settings
    zones: ZoneSet
    sources: KnownZones
    warnings: tuple[Problem, ...] = ()
    states: bytes = b""
    """Those of the files of the settings' `file_zones`."""

    def known(self) -> bytes:
        """What a child is told, so that it reads nothing again without need."""
        zones = self.settings.file_zones
        small = KnownSmall(zones.origins, zones.files, self.states)
        return msgspec.msgpack.encode(ServedZones(self.sources, small))


def load_now(path: str) -> Configuration:
    """Read everything before anything is served.

    Big zones are read in a child all the same: what it needed for that is then given
    back with it.  Raises `ConfigError`.
    """
    if _size_of(path) > IN_PROCESS_LIMIT:
        try:
            return _load_in_child(path)
        except (OSError, CompileError):
            pass  # no child to be had (chroot, limits): do it here
    return load_here(path)


def load_here(path: str) -> Configuration:
    """Read everything in this process.  Raises `ConfigError`."""
    output = BytesIO()
    with uncollected():
        compiled = compile_all(path, {}, output.write)
        return _loaded(compiled, output.getbuffer().toreadonly(), ZoneSet({}))


def _size_of(path: str) -> int:
    """The octets of all files in the config's folder: a cheap upper guess."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        with os.scandir(folder) as entries:
            return sum(e.stat().st_size for e in entries if e.is_file())
    except OSError:
        return 0


def _command(path: str, descriptor: int) -> list[str]:
    # -P: nothing is imported from the current folder, which may be anybody's.
    module = "dinamed.config.compiled"
    return [sys.executable, "-P", "-m", module, path, str(descriptor)]


def child_environment() -> dict[str, str]:
    """The environment of a child that runs a module of ours."""
    folders = [folder or os.getcwd() for folder in sys.path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}


def _load_in_child(path: str) -> Configuration:
    output = os.memfd_create("dinamed-zones")
    try:
        done = subprocess.run(
            _command(path, output),
            input=msgspec.msgpack.encode(ServedZones()),
            stdout=subprocess.PIPE,
            pass_fds=(output,),
            env=child_environment(),
            check=False,
        )
        if done.returncode:
            raise CompileError(f"exit status {done.returncode}")
        return _finish(done.stdout, output, ZoneSet({}))
    finally:
        os.close(output)


def load_aside(reactor: Any, path: str, now: Configuration) -> Deferred[Configuration]:
    """Read everything in a child; what has not changed is taken from `now`.

    Fails with `ConfigError`, or with `CompileError` if the child comes to grief.
    Raises `OSError` if there is no child to be had.
    """
    output = os.memfd_create("dinamed-zones")
    child = _LoaderProcess(reactor, output, now)
    try:
        reactor.spawnProcess(
            child,
            sys.executable,
            _command(path, _OUTPUT),
            child_environment(),
            childFDs={0: "w", 1: "r", 2: "r", _OUTPUT: output},
        )
    except OSError:
        os.close(output)
        raise
    return child.loaded


class _LoaderProcess(ProcessProtocol):
    """Feeds the child, and takes what it says."""

    def __init__(self, reactor: Any, output: int, now: Configuration) -> None:
        self._reactor = reactor
        self._output = output
        self._now = now
        self._said = BytesIO()
        self._complaints = BytesIO()
        self.loaded: Deferred[Configuration] = Deferred()

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.writeToChild(0, self._now.known())
        self.transport.closeChildFD(0)

    def outReceived(self, data: bytes) -> None:
        self._said.write(data)

    def errReceived(self, data: bytes) -> None:
        self._complaints.write(data)

    def processEnded(self, reason: Failure) -> None:
        # With very many zones this takes long enough to be in the way of answers.
        taken: Deferred[Configuration] = deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), self._result, reason
        )
        taken.addCallbacks(self.loaded.callback, self.loaded.errback)

    def _result(self, reason: Failure) -> Configuration:
        try:
            if not reason.check(ProcessDone):
                said = self._complaints.getvalue().decode(errors="replace")
                raise CompileError(f"{reason.value}: {said[-1000:]}")
            return _finish(self._said.getvalue(), self._output, self._now.zones)
        finally:
            os.close(self._output)


def _finish(said: bytes, output: int, zones: ZoneSet) -> Configuration:
    try:
        with uncollected():
            compiled = msgspec.msgpack.decode(said, type=Compiled)
    except msgspec.MsgspecError as error:
        raise CompileError(f"said what is no result: {error}") from error
    size = os.fstat(output).st_size
    buffer = memoryview(b"")
    if 0 < size <= READ_LIMIT:
        buffer = memoryview(os.pread(output, size, 0))
    elif size:
        # The mapping lives as long as a zone refers to it.
        buffer = memoryview(mmap.mmap(output, size, prot=mmap.PROT_READ))
    return _loaded(compiled, buffer, zones)


def _loaded(compiled: Compiled, buffer: memoryview, zones: ZoneSet) -> Configuration:
    settings = compiled.settings
    if settings is None:
        raise ConfigError(compiled.problems)
    served = _small(settings.file_zones.origins, compiled.small, buffer, zones)
    for zone in compiled.zones:
        if zone.size:
            packed = buffer[zone.start : zone.start + zone.size]
            served[zone.origin] = PackedZone(packed)
        else:
            served[zone.origin] = zones[zone.origin]
    found = {zone.origin: zone.source for zone in compiled.zones}
    states = compiled.small.states
    return Configuration(settings, ZoneSet.of(served), found, compiled.warnings, states)


def _small(
    origins: Sequence[WireName],
    small: SmallZonePlaces,
    buffer: memoryview,
    zones: ZoneSet,
) -> dict[WireName, PackedZone | memoryview]:
    """The packed octets of zones that are a file each, or what was there before."""
    starts = memoryview(small.starts).cast("Q")
    sizes = memoryview(small.sizes).cast("I")
    return {
        origin: buffer[start : start + size] if size else zones.entry(origin)
        for origin, start, size in zip(origins, starts, sizes, strict=True)
    }
