"""What the tests of the HTTP side share."""

import io
import json
from typing import NamedTuple

from twisted.web.http_headers import Headers

ZONE = """\
$TTL 3600
@ IN SOA ns1 hostmaster 7 7200 1800 1209600 300
@ IN NS ns1
ns1 IN A 192.0.2.53
"""

CONFIG = """\
[server]
identity = "ns1"
[zones."example.org"]
file = "example.org.zone"
[zones."example.org".names]
ftp = "mirrors"
[pools.mirrors]
select = ["hash"]
load = {type = "push"}
[[pools.mirrors.members]]
name = "big"
addresses = ["192.0.2.1", "2001:db8::1"]
weight = 3
[[pools.mirrors.members]]
name = "small/er"
addresses = ["192.0.2.2"]
"""


class Reply(NamedTuple):
    """What a request brought back."""

    status: int
    headers: Headers
    body: bytes

    @property
    def type(self) -> str:
        """The content type."""
        return (self.headers.getRawHeaders("content-type") or [""])[0]


def body_producer(body: object) -> io.BytesIO | None:
    """JSON to send, or nothing."""
    return None if body is None else io.BytesIO(json.dumps(body).encode())
