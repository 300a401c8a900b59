"""A real daemon amid a change of algorithm, as delv judges it with either key."""

import time

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.keys import Key
from dinamed.dnssec.rolling import Roll, Stage, ZoneState
from tests.daemon.signed import KEYS, ZONE, Delv, SigningDaemon, write_pair
from tests.daemon.test_dnssec import ELSEWHERE, ROWS, full
from tests.dnssec.support import edwards_key

OLD, NEW = KEYS[ZONE], edwards_key(41, f"{ZONE}.")
FIT = [row for row in ROWS if row.delv != ELSEWHERE and not row.name.endswith("sec")]
HERE = FIT[::3]


class AlgorithmRollTests(SynchronousTestCase):
    """Stages that no clock has to be waited for."""

    def start(self, stage: Stage, threads: str) -> SigningDaemon:
        """A daemon in the middle of a roll."""
        daemon = SigningDaemon(threads)
        self.addCleanup(daemon.clean_up)
        write_pair(daemon.folder / "keys", NEW)
        state = daemon.folder / "state" / "dnssec" / ZONE
        state.mkdir(0o700, parents=True)
        now = time.time()
        told = ZoneState(
            active=(OLD.label,),
            since=now - 9e6,
            highest_ttl=300,
            roll=Roll(NEW.label, stage, now, now, both=True),
        )
        (state / "state.json").write_bytes(msgspec.json.encode(told))
        daemon.start()
        return daemon

    def judged(self, daemon: SigningDaemon, key: Key) -> dict[str, str]:
        """What delv says of each row that is not as expected."""
        delv = Delv(daemon, key)
        wrong = {}
        for row in HERE:
            said = delv.verdict(full(row.name), row.type)
            if said != row.delv:
                wrong[f"{row.name} {row.type}"] = said
        return wrong

    def test_both_published(self) -> None:
        """While both keys are out either one will do, in both engines."""
        for threads in ('"python"', "1"):
            with self.subTest(threads=threads):
                daemon = self.start("trusted", threads)
                self.assertEqual(self.judged(daemon, OLD), {})
                self.assertEqual(self.judged(daemon, NEW), {})
                daemon.assert_quiet()

    def test_before_and_after(self) -> None:
        """At first the old one alone is out, in the end the new one."""
        stages: tuple[tuple[Stage, Key], ...] = (("presigning", OLD), ("retiring", NEW))
        for threads in ('"python"', "1"):
            for stage, key in stages:
                with self.subTest(threads=threads, stage=stage):
                    daemon = self.start(stage, threads)
                    self.assertEqual(self.judged(daemon, key), {})
                    daemon.assert_quiet()
