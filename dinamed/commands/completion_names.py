"""The names that completion offers: pools, and members as `POOL/MEMBER`."""

import argparse
from collections.abc import Iterator
from urllib.parse import quote

from dinamed.commands.remote import Remote, RemoteError, reach_of, remote_at
from dinamed.config.default import default_path
from dinamed.config.load import load

KINDS = ("pools", "members")
PATIENCE = 1.0
"""Seconds that the server has: somebody waits at a prompt."""


def names(arguments: argparse.Namespace) -> Iterator[str]:
    """What begins with the prefix; of members the pool first, with a slash behind.

    They are those of the server, or of the config if none answers.
    """
    pool, slash, _ = str(arguments.prefix).partition("/")
    try:
        found = _of_server(arguments, pool if slash else None)
    except RemoteError:
        found = _of_config(arguments, pool if slash else None)
    for name in sorted(found):
        whole = f"{pool}/{name}" if slash else name
        if arguments.kind == "members" and not slash:
            whole += "/"
        if whole.startswith(arguments.prefix):
            yield whole


def _of_server(arguments: argparse.Namespace, pool: str | None) -> list[str]:
    """The members of a pool, or all pools.  Raises `RemoteError`."""
    reach = reach_of(arguments.config or default_path())
    if reach.url is None and arguments.http is None:
        raise RemoteError("no server is named")
    remote: Remote = remote_at(arguments, reach)
    path = "/api/v1/pools"
    if pool is not None:
        path += f"/{quote(pool, safe='')}/members"
    told = remote.change("GET", path, timeout=PATIENCE)
    return [str(one["name"]) for one in told]


def _of_config(arguments: argparse.Namespace, pool: str | None) -> list[str]:
    settings = load(arguments.config or default_path()).settings
    pools = {} if settings is None else {one.name: one for one in settings.pools}
    if pool is None:
        return list(pools)
    return [one.name for one in pools[pool].members] if pool in pools else []
