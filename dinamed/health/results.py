"""The targets of probes, and their results."""

from ipaddress import IPv6Address, ip_address
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from dinamed.config.checks import Check
from dinamed.shortage import shortage

MAX_REASON = 200  # characters: reasons are kept, listed and sent in answers


class ProbeTarget(NamedTuple):
    """One address of a member.  `name` is the member's."""

    address: str
    name: str

    @property
    def is_v6(self) -> bool:
        """Whether the address is one of IPv6."""
        return ":" in self.address

    @property
    def in_url(self) -> str:
        """The address as it stands in a URL's authority (RFC 3986 section 3.2.2)."""
        return f"[{self.address}]" if self.is_v6 else self.address


class Result(NamedTuple):
    """What one probe found; `reason` is empty if `ok`, else one line of ASCII.

    With `lacking` it found nothing, for something of ours was lacking: no verdict.
    """

    ok: bool
    reason: str = ""
    lacking: bool = False


PASSED = Result(True)


def failed(reason: str) -> Result:
    """A failure; the reason may hold what a peer has sent."""
    return Result(False, clean(reason))


def lacked(reason: str) -> Result:
    """No verdict, for what this host itself lacks."""
    return Result(False, clean(reason), True)


def failed_by(error: BaseException | None, words: str, address: str = "") -> Result:
    """The result of an error: a failure in these words, or a shortage of this host.

    `address` is that of the target, where the error is about reaching it.
    """
    lack = shortage(error, address)
    return lacked(lack) if lack else failed(words)


def clean(text: str) -> str:
    """`text` on one line of visible ASCII, cut at `MAX_REASON` characters."""
    line = " ".join(text[: 4 * MAX_REASON].split())
    shown = "".join(c if " " <= c <= "~" else "?" for c in line)
    return shown if len(shown) <= MAX_REASON else shown[: MAX_REASON - 3] + "..."


class Probe(Protocol):
    """Probes targets by the settings of one check; shared by all of its targets."""

    def probe(self, target: ProbeTarget) -> "Deferred[Result]":
        """Look whether the target works, within the check's time limit.

        The Deferred never fails but by being cancelled, which frees at once all that
        the probe holds.
        """
        ...


def fill(template: str, target: ProbeTarget) -> str:
    """Put the target's address and name in place of `{address}` and `{name}`."""
    if "{" not in template:
        return template
    return template.replace("{address}", target.address).replace("{name}", target.name)


def names_member(check: Check) -> bool:
    """Whether a check depends on the member's name and not just on its address."""
    return any(_names(getattr(check, field)) for field in check.__struct_fields__)


def _names(value: object) -> bool:
    if isinstance(value, str):
        return "{name}" in value
    return isinstance(value, tuple) and any(map(_names, value))


def same_address(one: str, other: str) -> bool:
    """Whether two texts are the same address (`::ffff:192.0.2.1` is 192.0.2.1)."""
    return one == other or _plain(one) == _plain(other)


def _plain(text: str) -> object:
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
