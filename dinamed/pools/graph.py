"""How pools hang together: by members that are pools, and by `when_down`."""

from collections.abc import Iterable, Mapping

from dinamed.config import settings

RULES = frozenset({"all", "none", "last"})
"""The values of `when_down` that are not the name of a pool."""


def needs(pool: settings.PoolSettings) -> frozenset[str]:
    """The names of the pools that this one refers to."""
    named = {member.pool for member in pool.members if member.pool is not None}
    if pool.when_down not in RULES:
        named.add(pool.when_down)
    return frozenset(named)


def in_order(needed: Mapping[str, Iterable[str]]) -> list[str]:
    """The pools' names, each after those that it refers to.

    @raise ValueError: a pool refers to one that isn't there, or, directly or through
        others, to itself.
    """
    ordered: dict[str, None] = {}
    for start in needed:
        # Not recursive, for no depth of nesting should end in a RecursionError.
        path: list[tuple[str, list[str]]] = []
        if start not in ordered:
            path.append((start, sorted(needed[start])))
        on_path = {start}
        while path:
            name, left = path[-1]
            if not left:
                ordered[name] = None
                on_path.discard(name)
                path.pop()
                continue
            following = left.pop()
            if following in on_path:
                loop = [step for step, _ in path]
                loop = [*loop[loop.index(following) :], following]
                raise ValueError(f"pools refer in a loop: {' -> '.join(loop)}")
            if following not in needed:
                raise ValueError(f"pool {name!r} refers to unknown pool {following!r}")
            if following not in ordered:
                path.append((following, sorted(needed[following])))
                on_path.add(following)
    return list(ordered)
