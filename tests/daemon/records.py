"""A daemon with a zone whose records are changed over HTTP, or by UPDATE."""

import os

from tests.daemon.harness import Daemon, free_port

ZONE_TEXT = """\
$TTL 3600
@ IN SOA ns1 hostmaster 7 7200 1800 1209600 300
@ IN NS ns1
ns1 IN A 192.0.2.53
"""
CONFIG = """\
[server]
http = "127.0.0.1:{port}"
state = "state"
[[server.tokens]]
name = "{name}"
file = "token"
may = ["records"]
[keys.acme]
secret = "{secret}"
[zones."example.org"]
file = "zone"
names = {{ftp = "mirrors"}}
[[zones."example.org".update]]
key = "acme"
names = ["_acme-challenge", "_acme-challenge.*"]
types = ["TXT"]
[pools.mirrors]
[[pools.mirrors.members]]
name = "fra1"
addresses = ["192.0.2.1"]
"""
TOKEN = "token-of-a-client"
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0"


class RecordsDaemon(Daemon):
    """The daemon; `name` is that of the token."""

    def __init__(self, name: str) -> None:
        self.http_port = free_port(["127.0.0.1"])
        self.url = f"http://127.0.0.1:{self.http_port}"
        text = CONFIG.format(port=self.http_port, name=name, secret=SECRET)
        super().__init__({"dinamed.toml": text, "zone": ZONE_TEXT, "token": TOKEN})
        os.chmod(self.folder / "token", 0o600)

    def found(self, name: str, rrtype: str) -> set[str]:
        """What is answered for a name of the zone."""
        reply = self.ask(f"{name}.example.org", rrtype)
        return {str(item) for rrset in reply.answer for item in rrset}

    @property
    def serial(self) -> int:
        """Of the zone."""
        (soa,) = self.ask("example.org", "SOA").answer[0]
        return int(soa.to_text().split()[2])
