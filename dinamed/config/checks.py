"""The settings of checks: `[pools.NAME.check]`, one class for each type.

A check is a value: equal settings are the same check, whichever pool they stand in.
Durations are seconds.  In texts called templates `{address}` and `{name}` stand for
the member's address and name.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dinamed.config import check_forms as forms
from dinamed.config.check_forms import CodeRange, Header
from dinamed.config.durations import Interval, Seconds
from dinamed.config.values import FilePath, address

Count = Annotated[int, Meta(ge=1, le=1000)]
Port = Annotated[int, Meta(ge=1, le=65535)]
BodyLimit = Annotated[int, Meta(ge=1, le=2**20)]
Codes = Annotated[tuple[CodeRange, ...], Meta(extra={"read": forms.codes})]
CommandWords = Annotated[tuple[str, ...], Meta(extra={"read": forms.words})]
Domain = Annotated[str, Meta(extra={"form": forms.domain})]
Headers = Annotated[tuple[Header, ...], Meta(extra={"read": forms.headers})]
HeaderFiles = Annotated[tuple[Header, ...], Meta(extra={"read": forms.header_files})]
Host = Annotated[str, Meta(extra={"form": forms.host})]
Pattern = Annotated[str, Meta(extra={"form": forms.pattern})]
ShortPattern = Annotated[str, Meta(extra={"form": forms.short_pattern})]
QType = Annotated[str, Meta(extra={"form": forms.qtype})]
RCode = Annotated[str, Meta(extra={"form": forms.rcode})]
SourceAddress = Annotated[str, Meta(extra={"form": address})]
StatusKeys = Annotated[
    tuple[tuple[str, str], ...], Meta(extra={"read": forms.status_keys})
]
Template = Annotated[str, Meta(extra={"form": forms.template})]
Url = Annotated[str, Meta(extra={"form": forms.url})]

MAX_DEFAULT_TIMEOUT = 5.0


class Check(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
):
    """What all checks have.

    A check begins every `interval`; it has `timeout` for all it does (default: half
    the interval, at most 5 s).  A member that is up goes down after `fall` failures
    in a row, and comes up after `rise` successes in a row.  `source` is the address
    that checks of members with addresses of its family come from.
    """

    interval: Interval = 10.0
    timeout: Seconds | None = None
    rise: Count = 3
    fall: Count = 2
    source: SourceAddress | None = None

    @property
    def limit(self) -> float:
        """The time that one run may take."""
        if self.timeout is not None:
            return self.timeout
        return min(self.interval / 2, MAX_DEFAULT_TIMEOUT)


class TcpCheck(Check, frozen=True, kw_only=True, tag="tcp"):
    """A connection is made; with `expect` the peer must also say what matches it.

    `send` is sent first (UTF-8).  `expect` is searched in the first 4096 octets.
    """

    port: Port
    send: str = ""
    expect: ShortPattern | None = None


class HttpCheck(Check, frozen=True, kw_only=True, tag="http"):
    """`url` answers with one of `codes`, and its body has a match of `body`.

    The connection goes to the member's address whatever host the URL names; the
    Host line is `host`, or else what the URL says.  Redirects are not followed.
    `body` is searched in the first `body_limit` octets.  `headers` have the values of
    `header_files` too, once the config is read.
    """

    url: Url
    method: Literal["GET", "HEAD"] = "GET"
    host: Host | None = None
    codes: Codes = ((200, 200),)
    headers: Headers = ()
    header_files: HeaderFiles = ()
    body: Pattern | None = None
    body_limit: BodyLimit = 65536


class HttpsCheck(HttpCheck, frozen=True, kw_only=True, tag="https"):
    """As `http`, over TLS 1.2 or later.

    `server_name` (default: the host of the Host line) is sent as SNI and is what the
    certificate must be for, unless `verify` is false.  `ca` is a PEM file with the
    authorities to trust in place of the system's.
    """

    verify: bool = True
    ca: FilePath | None = None
    server_name: Host | None = None


class DnsCheck(Check, frozen=True, kw_only=True, tag="dns"):
    """A query over UDP is answered with `rcode`, and with all of `answers`.

    `answers` are the data of records in the form of a zone file.  A truncated answer
    is asked for again over TCP where its records matter.
    """

    name: Domain
    qtype: QType = "A"
    port: Port = 53
    rcode: RCode = "NOERROR"
    answers: tuple[str, ...] = ()


class ExecCheck(Check, frozen=True, kw_only=True, tag="exec"):
    """The command, with its arguments as they are (no shell), exits with status 0."""

    command: CommandWords


class FileCheck(Check, frozen=True, kw_only=True, tag="file"):
    """The file is there, is empty or says `up` first, and is not older than `max_age`.

    A file that says `down` first may go on with the reason.
    """

    path: Template
    max_age: Seconds | None = None


class StatusCheck(Check, frozen=True, kw_only=True, tag="status"):
    """What the status files of geodns say: `DIRECTORY/FILE.json`, `{"KEY": 0}`.

    `keys` has `FILE/KEY` by address.  1 is bad, 2 is good; 0, and all that is not
    there, is unknown, and passes.
    """

    directory: FilePath
    keys: StatusKeys


class PoolCheck(Check, frozen=True, kw_only=True, tag="pool"):
    """The pool is up in this server, whichever address is asked about."""

    pool: str
    interval: Interval = 1.0
    rise: Count = 1
    fall: Count = 1


AnyCheck = (
    TcpCheck
    | HttpCheck
    | HttpsCheck
    | DnsCheck
    | ExecCheck
    | FileCheck
    | StatusCheck
    | PoolCheck
)

KINDS: tuple[type[Check], ...] = (
    TcpCheck,
    HttpCheck,
    HttpsCheck,
    DnsCheck,
    ExecCheck,
    FileCheck,
    StatusCheck,
    PoolCheck,
)
