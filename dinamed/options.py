"""The options of the twistd plugin."""

import pwd
from typing import Any

from twisted.python import usage

from dinamed import __version__


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ValueError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


_port.coerceDoc = "Must be from 0 to 65535."  # type: ignore[attr-defined]


class Options(usage.Options):
    """The options of `twistd dinamed`."""

    synopsis = "[options]"
    longdesc = "Load-balancing authoritative DNS server."
    optParameters = [  # noqa: RUF012
        ["port", "p", 53, "UDP and TCP port where an interface names none.", _port],
        [
            "config",
            "c",
            None,
            "Config file; else /etc/dinamed/dinamed.toml, else the built-in example.",
        ],
    ]
    optFlags = [["debug", "d", "Log every query."]]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self["interfaces"] = []

    def opt_interface(self, interface: str) -> None:
        """Address or host name to listen on, may be repeated; replaces `listen`."""
        self["interfaces"].append(interface)

    opt_i = opt_interface

    def opt_version(self) -> None:
        """Print the version and exit."""
        print(f"dinamed {__version__}")
        raise SystemExit(0)

    def parseOptions(self, options: list[str] | None = None) -> None:
        """Parse; what is wrong ends the program with one line."""
        try:
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except usage.UsageError as error:
            raise SystemExit(f"dinamed: {error}") from None

    def parseArgs(self, *arguments: str) -> None:
        """Refuse arguments; there are only options."""
        if arguments:
            raise usage.UsageError(f"unexpected argument {arguments[0]!r}")

    def postOptions(self) -> None:
        """See that twistd will be able to drop privileges as it was told."""
        parent: Any = self.parent
        uid = parent.get("uid") if parent is not None else None
        if uid is None:
            return
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            raise usage.UsageError(f"no user has the uid {uid}") from None
        if parent["gid"] is None:
            # twistd cannot drop the supplementary groups without a group.
            parent["gid"] = entry.pw_gid
