"""A zone that is signed here and takes updates: each version is valid."""

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import Daemon
from tests.daemon.signed import Delv, write_pair
from tests.daemon.test_dnssec import NO, YES
from tests.daemon.test_signed_secondaries import ZONE_TEXT
from tests.daemon.transfer_peers import KEY, SECRET, ZONE, nsupdate
from tests.dnssec.support import fixed_key

CONFIG = f"""\
[server]
state = "state"
threads = 1
[dnssec]
keys = "keys"
parent = ["127.0.0.1:1"]
[keys.{KEY}]
secret = "{SECRET}"
[zones."{ZONE}"]
file = "zone"
dnssec = true
[[zones."{ZONE}".update]]
key = "{KEY}"
"""


class SignedUpdateTests(SynchronousTestCase):
    """One daemon."""

    def test_update(self) -> None:
        """What is added is signed, what is gone is denied, in the plane too."""
        files = {"dinamed.toml": CONFIG, "zone": ZONE_TEXT}
        daemon = Daemon(files, ZONE, ("127.0.0.1",))
        self.addCleanup(daemon.clean_up)
        key = fixed_key(f"{ZONE}.", 32)
        (daemon.folder / "keys").mkdir(0o700)
        write_pair(daemon.folder / "keys", key)
        daemon.start()
        delv = Delv(daemon, key)
        before = {("www", "A"): YES, ("new", "TXT"): NO, ("x.new", "A"): NO}
        after = {("www", "A"): NO, ("new", "TXT"): YES, ("new", "A"): NO}
        for changes, expected in (
            ("", before),
            ("update add new.example.org 60 TXT hello\n", {("new", "TXT"): YES}),
            ("update delete www.example.org\n", {**after, ("x.new", "A"): NO}),
        ):
            if changes:
                done = nsupdate(daemon.port, changes)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
            for _ in range(2):
                said = {
                    (name, rrtype): delv.verdict(f"{name}.{ZONE}.", rrtype)
                    for name, rrtype in expected
                }
                self.assertEqual(said, expected)
        daemon.assert_quiet()
