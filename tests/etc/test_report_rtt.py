"""The script that mirrors run: what it reads, and what it would post."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

SCRIPT = Path(__file__).resolve().parents[2] / "etc" / "rtt" / "report-rtt"

SS = """\
LISTEN 0 4096 0.0.0.0:443 0.0.0.0:*
\t cubic cwnd:10
ESTAB 0 0 192.0.2.1:443 198.51.100.7:50000
\t cubic wscale:7,7 rto:204 rtt:30.5/12 ato:40 mss:1448 minrtt:28.25 snd_wnd:65536
ESTAB 0 36 [2001:db8::1]:443 [2001:db8:5:6::7]:50001
\t cubic wscale:7,7 rto:204 rtt:12.5/3 mss:1428
ESTAB 0 0 [::ffff:192.0.2.1]:443 [::ffff:203.0.113.9]:50002 users:(("nginx",pid=1,fd=3))
\t cubic rto:204 rtt:80/3
SYN-SENT 0 1 192.0.2.1:5 198.51.100.99:80
\t cubic rto:1000 rtt:99/3
"""


class ReportRttTests(SynchronousTestCase):
    """etc/rtt/report-rtt."""

    def setUp(self) -> None:
        self.script = runpy.run_path(str(SCRIPT))

    def test_connections(self) -> None:
        """Established connections of `ss`, the least round trip where it is told."""
        found = [*self.script["from_ss"](SS.splitlines())]
        self.assertEqual(
            found,
            [
                ("198.51.100.7", 28.25),
                ("2001:db8:5:6::7", 12.5),
                ("::ffff:203.0.113.9", 80.0),
            ],
        )

    def test_networks(self) -> None:
        """Clients are told as networks; what is no client is left out."""
        network = self.script["network"]
        self.assertEqual(network("198.51.100.7"), "198.51.100.0/24")
        self.assertEqual(network("2001:db8:5:6::7"), "2001:db8:5::/48")
        self.assertEqual(network("::ffff:203.0.113.9"), "203.0.113.0/24")
        for text in ("127.0.0.1", "::1", "fe80::1%eth0", "here", ""):
            self.assertIsNone(network(text), text)

    def test_log(self) -> None:
        """A log of nginx, whole: medians by network, with what is no line left out."""
        text = "198.51.100.7 10000\n198.51.100.9 30000\nx\n2001:db8::1 900\n- -\n"
        done = subprocess.run(
            [
                *(sys.executable, str(SCRIPT), "--pool", "p", "--member", "m"),
                *("--log", "-", "--dry-run"),
            ],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        self.assertEqual(
            json.loads(done.stdout),
            [
                {
                    "pool": "p",
                    "member": "m",
                    "client": "198.51.100.0/24",
                    "rtt": 20.0,
                    "count": 2,
                },
                {
                    "pool": "p",
                    "member": "m",
                    "client": "2001:db8::/48",
                    "rtt": 0.9,
                    "count": 1,
                },
            ],
        )
