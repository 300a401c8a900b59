"""What a pool tells before its stages do: who was out, and who stands in."""

import ipaddress
from typing import Protocol

from dinamed.config.settings import PoolSettings
from dinamed.pools.members import Candidates, Family, Member
from dinamed.pools.recorder import Out, Recorder, Remark
from dinamed.pools.when_down import remark


class Telling(Protocol):
    """A view of a pool, as far as it is told of here."""

    @property
    def name(self) -> str:
        """Of the pool."""

    @property
    def settings(self) -> PoolSettings:
        """Of the pool."""

    @property
    def members(self) -> Candidates:
        """All of them."""

    @property
    def down(self) -> bool:
        """Whether no member is usable."""

    @property
    def lacking(self) -> str:
        """What it lacks to be up."""

    def why_out(self, member: Member) -> str:
        """Why a member is not usable."""

    def addresses_out(self, member: Member) -> dict[bytes, str]:
        """Its addresses that fail, and why."""

    def has_any(self, member: Member, family: Family) -> bool:
        """Whether a member has anything for a family."""

    def is_down(self, family: Family) -> bool:
        """Whether another rule decides for a family."""

    def fallback(self, family: Family) -> object:
        """The pool that stands in."""


def tell(view: Telling, recorder: Recorder, family: Family) -> None:
    """Record which members were out, and which pool is the fallback."""
    for member in view.members:
        if why := view.why_out(member):
            recorder.record(Out(view.name, member.name, why))
            continue
        out = view.addresses_out(member)
        for address in member.addresses(family):
            if address in out:
                why = f"{ipaddress.ip_address(address)}: {out[address]}"
                recorder.record(Out(view.name, member.name, why))
        if not view.has_any(member, family):
            recorder.record(Out(view.name, member.name, f"no IPv{family} address"))
    if not view.is_down(family):
        return
    text = remark(
        view.settings.when_down,
        family,
        view.lacking,
        view.fallback(family) is not None,
    )
    recorder.record(Remark(view.name, text))
