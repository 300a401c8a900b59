"""What is wrong with the server, in a line each: the banner of the dashboard."""

from collections.abc import Iterator

from dinamed.pools.pool import PoolView
from dinamed.web.families import families_down
from dinamed.web.messages import Wrong
from dinamed.web.overload import OverloadCounts
from dinamed.web.parts import WebParts
from dinamed.wire.names import to_text
from dinamed.wording import counted


def wrong_with(parts: WebParts, overload: OverloadCounts) -> tuple[Wrong, ...]:
    """All of it, the worst first."""
    views = [view for _, view in sorted(parts.pools.views.items())]
    return (
        *_down(views),
        *_server(parts),
        *_out(views),
        *_over(views, overload),
    )


def _down(views: list[PoolView]) -> Iterator[Wrong]:
    for view in views:
        decides = f"when_down = “{view.settings.when_down}” decides"
        if view.down:
            yield Wrong(f"{view.name} has {view.lacking}: {decides}", view.name)
            continue
        for family in families_down(view):
            text = f"{view.name} has no usable {family} address: {decides}"
            yield Wrong(text, view.name)


def _server(parts: WebParts) -> Iterator[Wrong]:
    if not parts.reloading.last_good:
        yield Wrong("The last reload was refused: what was read before is served")
    if parts.fleet.has_fleet:
        status = parts.fleet.status()
        if status.mode != "together":
            yield Wrong(f"This server is alone, without its fleet: {status.why}")
    for zone, keys in sorted(parts.signing.zones.items()):
        if keys.problem:
            yield Wrong(f"{to_text(zone)}: {keys.problem}")


def _out(views: list[PoolView]) -> Iterator[Wrong]:
    for view in views:
        # A weight of 0 is what the config wants.
        wanted = sum(1 for member in view.members if member.weight)
        out = wanted - len(view.usable)
        if out > 0 and not view.down:
            text = f"{view.name}: {out} of {counted(wanted, 'member')} out"
            yield Wrong(text, view.name)


def _over(views: list[PoolView], overload: OverloadCounts) -> Iterator[Wrong]:
    for view in views:
        if over := overload.over(view):
            text = f"{view.name}: {counted(over, 'member')} at 90 % or more"
            yield Wrong(text, view.name)
