"""The settings of load feeds: `[pools.NAME.load]`, one class for each type.

A feed is a value: members that have the same address and equal feeds are asked once,
whichever pools they stand in.  Durations are seconds.  In texts called templates
`{address}` and `{name}` stand for the member's address and name.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from dinamed.config import check_forms, feed_forms
from dinamed.config.check_forms import Header
from dinamed.config.durations import Interval, Seconds
from dinamed.config.feed_forms import MetricLabel
from dinamed.config.values import FilePath

Port = Annotated[int, Meta(ge=1, le=65535)]
Scale = Annotated[float, Meta(gt=0, le=1e18)]
CommandWords = Annotated[tuple[str, ...], Meta(extra={"read": check_forms.words})]
Headers = Annotated[tuple[Header, ...], Meta(extra={"read": check_forms.headers})]
HeaderFiles = Annotated[
    tuple[Header, ...], Meta(extra={"read": check_forms.header_files})
]
Host = Annotated[str, Meta(extra={"form": check_forms.host})]
ReadJsonPath = Annotated[str, Meta(extra={"form": feed_forms.json_path})]
MetricLabels = Annotated[
    tuple[MetricLabel, ...], Meta(extra={"read": feed_forms.labels})
]
Metric = Annotated[str, Meta(extra={"form": feed_forms.metric})]
Rate = Annotated[float | None, Meta(extra={"read": feed_forms.rate})]
Service = Annotated[str, Meta(extra={"form": feed_forms.service})]
Url = Annotated[str, Meta(extra={"form": check_forms.url})]

MAX_DEFAULT_TIMEOUT = 5.0
DEFAULT_SERVICE = "default"


class Feed(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
):
    """What all feeds have.

    Members are asked every `interval`, and have `timeout` to answer (default: half
    the interval, at most 5 s).  A report older than `stale_after` (default: three
    intervals) counts no longer.
    """

    interval: Interval = 10.0
    timeout: Seconds | None = None
    stale_after: Seconds | None = None

    @property
    def kind(self) -> str:
        """The type, as in the config file."""
        return str(self.__struct_config__.tag)

    @property
    def limit(self) -> float:
        """The time that one answer may take."""
        if self.timeout is not None:
            return self.timeout
        return min(self.interval / 2, MAX_DEFAULT_TIMEOUT)

    @property
    def stale(self) -> float:
        """The age at which a report counts no longer."""
        return 3 * self.interval if self.stale_after is None else self.stale_after


class LbcdFeed(Feed, frozen=True, kw_only=True, tag="lbcd"):
    """The weight and increment that lbcd gives for `service`."""

    port: Port = 4330
    service: Service = DEFAULT_SERVICE


class HttpFeed(Feed, frozen=True, kw_only=True):
    """What is got from a URL.

    The connection goes to the member's address, unless the host of the URL is an
    address itself.  Names are never looked up; the Host line is `host`, or else what
    the URL says, and with https the certificate must be for it, unless `verify` is
    false.  `ca` is a PEM file with the authorities to trust in place of the system's.
    `headers` have the values of `header_files` too, once the config is read.
    """

    url: Url
    host: Host | None = None
    headers: Headers = ()
    header_files: HeaderFiles = ()
    verify: bool = True
    ca: FilePath | None = None


class PrometheusFeed(HttpFeed, frozen=True, kw_only=True, tag="prometheus"):
    """The sum of all series of `metric` that have these `labels`, times `scale`.

    With `rate` the series are counters, and the load is what they grow by in a
    second: from each sample to the next (0), or over that many seconds.
    """

    metric: Metric
    labels: MetricLabels = ()
    rate: Rate = None
    scale: Scale = 1.0


class JsonFeed(HttpFeed, frozen=True, kw_only=True, tag="json"):
    """The number at `path` of a JSON text, and perhaps others beside it.

    `at` is where the Unix time stands for which they hold.
    """

    path: ReadJsonPath
    capacity: ReadJsonPath | None = None
    increment: ReadJsonPath | None = None
    at: ReadJsonPath | None = None


class ExecFeed(Feed, frozen=True, kw_only=True, tag="exec"):
    """What a command prints: `LOAD` or `LOAD INCREMENT`.  There is no shell."""

    command: CommandWords


class PushFeed(Feed, frozen=True, kw_only=True, tag="push"):
    """Nobody is asked: reports come by themselves, over the HTTP API."""


AnyFeed = LbcdFeed | PrometheusFeed | JsonFeed | ExecFeed | PushFeed

KINDS: tuple[type[Feed], ...] = (
    LbcdFeed,
    PrometheusFeed,
    JsonFeed,
    ExecFeed,
    PushFeed,
)
