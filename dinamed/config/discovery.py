"""The settings of `[pools.NAME.discover]`: where a pool's members come from.

One class for each type; durations are seconds.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dinamed.config import check_forms, values
from dinamed.config.check_forms import Header
from dinamed.config.durations import DURATION, Interval, Seconds
from dinamed.config.places import Country
from dinamed.config.values import FilePath

Amount = Annotated[float, Meta(ge=0, le=1e18)]
Asn = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Bias = Annotated[float, Meta(ge=-1e6, le=1e6)]
Headers = Annotated[tuple[Header, ...], Meta(extra={"read": check_forms.headers})]
HeaderFiles = Annotated[
    tuple[Header, ...], Meta(extra={"read": check_forms.header_files})
]
HostName = Annotated[str, Meta(extra={"form": values.host_name})]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Linger = Annotated[float, Meta(ge=0, le=31_536_000, extra=DURATION)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
MemberCount = Annotated[int, Meta(ge=0, le=100_000)]
Network = Annotated[str, Meta(extra={"form": values.network})]
Positive = Annotated[float, Meta(gt=0)]
Priority = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
ResolverAddress = Annotated[str, Meta(extra={"form": values.listen})]
Share = Annotated[float, Meta(ge=0, le=1)]
Url = Annotated[str, Meta(extra={"form": check_forms.url})]
Weight = Annotated[float, Meta(ge=0, le=1e100)]

MAX_DEFAULT_TIMEOUT = 10.0


class MemberTemplate(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`template`: what members have that their source does not say of them."""

    weight: Weight | None = None
    capacity: Positive | None = None
    country: Country | None = None
    location: tuple[Latitude, Longitude] | None = None
    network: Network | None = None
    asn: Asn | None = None
    priority: Priority | None = None
    load: Amount | None = None
    increment: Amount | None = None
    bias: Bias | None = None

    def told(self) -> dict[str, object]:
        """The keys that are given, as a member's table has them."""
        found = msgspec.structs.asdict(self)
        return {key: value for key, value in found.items() if value is not None}


class Discovery(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
):
    """What all types have.

    The source is asked every `interval` and has `timeout`.  With `keep` the last list
    stays when it is empty or gone.  A member that leaves drains for `linger` seconds.
    A list of fewer than `min_members`, of more than `max_members`, or one in which more
    than the share `max_loss` of the members are missing, is not believed.
    """

    interval: Interval = 30.0
    timeout: Seconds | None = None
    template: MemberTemplate = MemberTemplate()
    keep: bool = True
    linger: Linger = 0.0
    min_members: MemberCount = 1
    max_members: MemberCount = 10_000
    max_loss: Share = 0.5

    @property
    def kind(self) -> str:
        """The type, as in the config file."""
        return str(self.__struct_config__.tag)

    @property
    def limit(self) -> float:
        """The time that one answer of the source may take."""
        if self.timeout is not None:
            return self.timeout
        return min(self.interval, MAX_DEFAULT_TIMEOUT)


class FileDiscovery(Discovery, frozen=True, kw_only=True, tag="file"):
    """A file in the JSON of Prometheus' file_sd."""

    path: FilePath


class HttpDiscovery(Discovery, frozen=True, kw_only=True, tag="http"):
    """The same from a URL (http_sd); `token_file` holds a bearer token."""

    url: Url
    headers: Headers = ()
    header_files: HeaderFiles = ()
    token_file: FilePath | None = None


class DnsDiscovery(Discovery, frozen=True, kw_only=True, tag="dns"):
    """The addresses of a name, or the targets of its SRV records.

    `resolver` is asked, or else those of the system.
    """

    name: HostName
    record: Literal["A", "AAAA", "A+AAAA", "SRV"] = "A+AAAA"
    resolver: ResolverAddress | None = None


class ApiDiscovery(Discovery, frozen=True, kw_only=True, tag="api"):
    """Whoever has the right to it, over the HTTP API."""

    min_members: MemberCount = 0


AnyDiscovery = FileDiscovery | HttpDiscovery | DnsDiscovery | ApiDiscovery

KINDS: tuple[type[Discovery], ...] = (
    FileDiscovery,
    HttpDiscovery,
    DnsDiscovery,
    ApiDiscovery,
)
