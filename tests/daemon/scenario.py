"""The zone and the pools that the conformance tests ask, and a daemon that has them."""

import base64
import functools
import random

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.digging import Reply, run_dig
from tests.daemon.harness import Daemon

ZONE = "example.org"
IDENTITY = "test-ns1"
MINIMUM = 300  # the SOA's last field; its TTL is 3600


def dnskeys() -> str:
    """Three DNSKEY records, together more than 512 bytes; of no use but their size."""
    rng = random.Random(8906)
    keys = (base64.b64encode(b"\x03\x01\x00\x01" + rng.randbytes(256)) for _ in "123")
    return "".join(f"@ IN DNSKEY 256 3 8 {key.decode()}\n" for key in keys)


ZONE_TEXT = f"""\
$ORIGIN {ZONE}.
$TTL 3600
@          IN SOA   ns1 hostmaster 1 7200 1800 1209600 {MINIMUM}
           IN NS    ns1
           IN NS    ns2
           IN MX    10 mail
           IN TXT   "the apex"
ns1        IN A     192.0.2.53
           IN AAAA  2001:db8::53
ns2        IN A     192.0.2.54
mail       IN A     192.0.2.25
www        IN A     192.0.2.80
           IN AAAA  2001:db8::80
ftp        IN MX    10 mail
           IN HTTPS 1 . alpn=h2
alias      IN CNAME www
get        IN CNAME ftp
a.b.deep   IN A     192.0.2.81
*.wild     IN TXT   "by the wildcard"
lab        IN NS    ns.lab
ns.lab     IN A     192.0.2.55
big        IN TXT   {" ".join(f'"{number:03d}{"x" * 250}"' for number in range(8))}
{dnskeys()}"""

CONFIG = f"""\
[server]
identity = "{IDENTITY}"

[zones."{ZONE}"]
file = "zone"

[zones."{ZONE}".names]
ftp = "mirrors"
v4 = "v4only"
login = "login"
"*.cdn" = "mirrors"

[pools.mirrors]
ttl = 60
select = ["weighted"]
[[pools.mirrors.members]]
name = "fra1"
addresses = ["192.0.2.1", "2001:db8::1"]
weight = 3
[[pools.mirrors.members]]
name = "ams1"
addresses = ["192.0.2.2", "2001:db8::2"]
[[pools.mirrors.members]]
name = "never"
addresses = ["192.0.2.9", "2001:db8::9"]
weight = 0

[pools.v4only]
ttl = 45
[[pools.v4only.members]]
name = "old1"
addresses = ["192.0.2.11"]

[pools.login]
ttl = 30
select = ["hash"]
[[pools.login.members]]
name = "login1"
addresses = ["192.0.2.21", "2001:db8::21"]
[[pools.login.members]]
name = "login2"
addresses = ["192.0.2.22", "2001:db8::22"]
[[pools.login.members]]
name = "login3"
addresses = ["192.0.2.23", "2001:db8::23"]
"""

MIRRORS = {"192.0.2.1": "fra1", "192.0.2.2": "ams1"}
MIRRORS_6 = {"2001:db8::1": "fra1", "2001:db8::2": "ams1"}

FILES = {"dinamed.toml": CONFIG, "zone": ZONE_TEXT}


@functools.cache
def shared_daemon(purpose: str) -> Daemon:
    """A running daemon with the scenario, one for each purpose, until the tests end."""
    daemon = Daemon(FILES)
    daemon.start()
    return daemon


class AskingCase(SynchronousTestCase):
    """A test case that asks a shared daemon, which must stay up and silent."""

    purpose = "balancer"

    def setUp(self) -> None:
        self.daemon = shared_daemon(self.purpose)

    def tearDown(self) -> None:
        self.daemon.assert_quiet()

    def dig(self, arguments: str) -> Reply:
        """Ask by dig, RD clear and no cookie; the words are separated by spaces."""
        return run_dig(self.daemon, ["+norec", "+nocookie", *arguments.split()])


class OwnDaemonCase(SynchronousTestCase):
    """A test case with a daemon of its own."""

    def make_daemon(self, **options: object) -> Daemon:
        """A daemon with the scenario, not started; killed when the test ends."""
        daemon = Daemon(FILES, **options)  # type: ignore[arg-type]
        self.addCleanup(daemon.clean_up)
        return daemon

    def started(self, **options: object) -> Daemon:
        """A daemon with the scenario that answers."""
        daemon = self.make_daemon(**options)
        daemon.start()
        return daemon

    def addresses_of(self, daemon: Daemon, name: str) -> set[str]:
        """What the daemon answers to A."""
        reply = daemon.ask(f"{name}.{ZONE}", "A")
        return {str(item) for rrset in reply.answer for item in rrset}
