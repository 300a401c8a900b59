"""Members of all pools, found by words and by what is the matter, a page at a time."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import asdict
from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator
from twisted.web.server import Request

from dinamed.plans.context import unpacked
from dinamed.pools.manager import UnknownPoolError
from dinamed.pools.members import Member
from dinamed.pools.pool import PoolView
from dinamed.web.live import live_member
from dinamed.web.member_metrics import forecasts, prices
from dinamed.web.messages import FoundMember, FoundMembers
from dinamed.web.parts import WebParts
from dinamed.web.resources import HttpError, argument
from dinamed.web.slowly import gather
from dinamed.web.trouble import KINDS, kind_of

MOST = 200
"""Members of one page."""
USUAL = 25


class MemberQuery(NamedTuple):
    """What is looked for: all of the words, in the pool/name or in an address."""

    words: tuple[str, ...]
    kind: str
    first: int
    most: int

    def fits(self, member: Member) -> bool:
        """Whether the words are there."""
        if not self.words:
            return True
        text = f"{member.pool}/{member.name}".lower()
        return all(
            word in text or any(word in unpacked(one) for one in member.addresses(0))
            for word in self.words
        )


class Hit(NamedTuple):
    """A member that has the words."""

    rank: int
    number: int
    view: PoolView
    member: Member


class MemberSearch:
    """Finds members; ten thousand are looked at in slices of time."""

    def __init__(self, parts: WebParts, cooperator: Cooperator) -> None:
        self._parts = parts
        self._cooperator = cooperator

    def find(self, request: Request) -> Deferred[FoundMembers]:
        """A page of what was asked for.  Raises `HttpError` 400 or 404."""
        wanted = _wanted(request)
        looking = gather(self._cooperator, self._hits(self._views(request), wanted))
        return looking.addCallback(self._page, wanted)

    def _views(self, request: Request) -> list[PoolView]:
        pool = argument(request, b"pool", "")
        if not pool:
            return [view for _, view in sorted(self._parts.pools.views.items())]
        try:
            return [self._parts.pools.view(pool)]
        except UnknownPoolError as error:
            raise HttpError(404, str(error)) from None

    def _hits(self, views: list[PoolView], wanted: MemberQuery) -> Iterator[Hit | None]:
        now = self._parts.clock()
        number = 0
        for view in views:
            foreseen = forecasts(view, now)
            for member in view.members:
                number += 1
                if wanted.fits(member):
                    rank = KINDS.index(kind_of(view, member, foreseen, now))
                    yield Hit(rank, number, view, member)
                else:
                    yield None

    def _page(self, looked_at: list[Hit | None], wanted: MemberQuery) -> FoundMembers:
        hits = [hit for hit in looked_at if hit is not None]
        counts = Counter(KINDS[hit.rank] for hit in hits)
        if wanted.kind:
            hits = [hit for hit in hits if KINDS[hit.rank] == wanted.kind]
        hits.sort(key=lambda hit: (hit.rank, hit.number))
        shown = hits[wanted.first : wanted.first + wanted.most]
        now = self._parts.clock()
        views = {hit.view.name: hit.view for hit in shown}
        foreseen = {name: forecasts(view, now) for name, view in views.items()}
        priced = {name: prices(view, now) for name, view in views.items()}
        return FoundMembers(
            found=len(hits),
            counts={kind: counts[kind] for kind in KINDS},
            members=tuple(
                FoundMember(
                    pool=view.name,
                    **asdict(
                        live_member(
                            view, member, foreseen[view.name], priced[view.name], now
                        )
                    ),
                )
                for _, _, view, member in shown
            ),
        )


def _wanted(request: Request) -> MemberQuery:
    kind = argument(request, b"kind", "")
    if kind and kind not in KINDS:
        raise HttpError(400, f"kind: must be one of {', '.join(KINDS)}")
    return MemberQuery(
        tuple(argument(request, b"find", "").lower().split()),
        kind,
        number_of(request, b"first", 0, 10_000_000),
        number_of(request, b"most", USUAL, MOST),
    )


def number_of(request: Request, name: bytes, usual: int, most: int) -> int:
    """A whole number of the query string.  Raises `HttpError` 400."""
    text = argument(request, name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
        raise HttpError(400, f"{name.decode()}: must be a number from 0 to {most}")
    return int(text)
