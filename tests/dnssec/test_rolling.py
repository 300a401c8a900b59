"""Tests for the stages of a roll."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import get_args

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.keys import CSK_FLAGS, ZSK_FLAGS, Key
from dinamed.dnssec.keyset import DNSKEY_TTL
from dinamed.dnssec.rolling import (
    MARGIN,
    ParentView,
    RollFault,
    Stage,
    ZoneState,
    advanced,
    announced_at,
    begin,
    keyset_of,
    lost_keys,
    removable_at,
    waiting,
    wanted_keys,
)
from dinamed.wire.constants import Type
from tests.dnssec.support import NOW, edwards_key, fixed_key

HOUR = 3600
TTL = 86400
DS_TTL = 2 * 86400
Tags = frozenset[int]


@dataclass
class World:
    """A zone, its parent and the caches between them and a validator, by the hour.

    The parent takes over what CDS asks for after `lag` seconds; its DS set is empty at
    first.  What a cache may hold at a moment is all that was out within the TTL.
    """

    state: ZoneState
    keys: dict[str, Key]
    lag: float = 30 * HOUR
    now: float = NOW
    ds: frozenset[int] = frozenset()
    deaf: bool = False
    history: list[tuple[float, Tags, Tags, Tags, Tags]] = field(default_factory=list)
    """Of each hour: tags of DS, of published keys, of those that sign the keys, and of
    those that sign data."""
    wished: list[tuple[float, frozenset[int] | None]] = field(default_factory=list)

    def hour(self) -> None:
        """One hour passes: the zone asks the parent, goes on, and is asked."""
        self.now += HOUR
        view = ParentView(
            self.now, {"192.0.2.1": None if self.deaf else tuple(self.ds)}, DS_TTL
        )
        self.state = msgspec.structs.replace(self.state, parent=view)
        self.state = advanced(self.state, self.keys, self.now, TTL)
        out = keyset_of(self.state, self.keys, self.now)
        data = frozenset(key.tag for key in out.sign_data)
        published = frozenset(key.tag for key in out.published)
        signing = frozenset(key.tag for key in out.sign_keys)
        self.history.append((self.now, self.ds, published, signing, data))
        wish = None if out.wanted is None else frozenset(k.tag for k in out.wanted)
        self.wished.append((self.now, frozenset() if out.removing else wish))
        old = [w for at, w in self.wished if at <= self.now - self.lag]
        if old and old[-1] is not None:
            self.ds = old[-1]

    def bogus(self) -> list[str]:
        """What a validator with any mixture of cached answers could fail at now.

        It is a strict one: it wants signatures of each algorithm that the DS or the
        DNSKEY RRset names (RFC 4035 section 2.2).
        """
        found = []
        recent = [one for one in self.history if one[0] > self.now - DS_TTL - 1]
        keys = [one for one in recent if one[0] > self.now - DNSKEY_TTL - 1]
        for _, ds, *_ in recent:
            for _, _, published, signing, _ in keys:
                good = ds & published & signing
                if self.algorithms(good) != self.algorithms(ds):
                    found.append(f"DS {set(ds)} with keys {set(published)}")
        for _, _, published, signing, _ in keys:
            if self.algorithms(published & signing) != self.algorithms(published):
                found.append(f"keys {set(published)} signed by {set(signing)}")
            for at, *_, data in recent:
                good = self.algorithms(data & published)
                if at > self.now - TTL - 1 and good != self.algorithms(published):
                    found.append(f"data of {set(data)} with keys {set(published)}")
        return found

    def algorithms(self, tags: Tags) -> frozenset[int]:
        """The algorithms of keys."""
        keys = self.keys.values()
        return frozenset(int(key.algorithm) for key in keys if key.tag in tags)


def world(old: Key | None = None, new: Key | None = None) -> World:
    """A zone with one key that is in use since long, and another that waits."""
    old, new = old or fixed_key(number=11), new or fixed_key(number=12)
    state = ZoneState(active=(old.label,), since=NOW - 90 * 86400, highest_ttl=TTL)
    made = World(state, {old.label: old, new.label: new}, ds=frozenset({old.tag}))
    for _ in range(72):
        made.hour()
    return made


class RollTests(SynchronousTestCase):
    """A roll from key to key."""

    def setUp(self) -> None:
        self.world = world()
        self.old, self.new = self.world.keys.values()

    def run_until(self, done: Callable[[], bool], hours: int = 400) -> None:
        """Let hours pass, each without anything that a validator could fail at."""
        for _ in range(hours):
            self.world.hour()
            self.assertEqual(self.world.bogus(), [])
            if done():
                return
        self.fail(f"still {self.world.state.roll}")

    def start(self) -> None:
        """Begin the roll."""
        self.world.state = begin(self.world.state, self.new.label, self.world.now)

    def test_no_bogus_moment(self) -> None:
        """Through all stages no mixture of caches fails, and the new key is alone."""
        self.start()
        stages = []

        def done() -> bool:
            roll = self.world.state.roll
            stages.append(roll.stage if roll is not None else "done")
            return roll is None

        self.run_until(done)
        order = list(dict.fromkeys(stages))
        self.assertEqual(order, ["announced", "signing", "trusted", "done"])
        self.assertEqual(self.world.state.active, (self.new.label,))
        self.assertEqual(self.world.ds, {self.new.tag})
        out = keyset_of(self.world.state, self.world.keys, self.world.now)
        self.assertEqual(out.published, (self.new,))
        self.run_until(lambda: self.world.now > NOW + 40 * 86400, 2000)

    def test_algorithms(self) -> None:
        """From one algorithm to the other, there and back, with signatures of both
        wherever a cache may know keys of both."""
        for old, new in (
            (fixed_key(number=11), edwards_key(12)),
            (edwards_key(11), fixed_key(number=12)),
        ):
            with self.subTest(to=new.algorithm.name):
                self.world, self.old, self.new = world(old, new), old, new
                self.start()
                stages = []
                while (roll := self.world.state.roll) is not None:
                    stages.append(roll.stage)
                    late = roll.stage in ("signing", "trusted", "retiring")
                    self.assertEqual(
                        wanted_keys(self.world.state), ((new if late else old).label,)
                    )
                    (wait,) = waiting(self.world.state, self.world.keys, self.world.now)
                    self.assertEqual(wait.since, roll.since)
                    self.run_until(lambda: True)
                    self.assertLess(len(stages), 400)
                order = list(dict.fromkeys(stages))
                self.assertEqual(order, list(get_args(Stage)))
                self.assertEqual(self.world.ds, {new.tag})
                out = keyset_of(self.world.state, self.world.keys, self.world.now)
                self.assertEqual((out.published, out.sign_data), ((new,), (new,)))
                self.run_until(lambda: self.world.now > NOW + 40 * 86400, 2000)

    def test_algorithm_of_two_keys(self) -> None:
        """From KSK and ZSK to one key of another algorithm."""
        ksk, zsk = fixed_key(number=11), fixed_key(number=13, flags=ZSK_FLAGS)
        self.world = world(ksk, edwards_key(12))
        self.old, self.new = self.world.keys.values()
        self.world.keys[zsk.label] = zsk
        self.world.state = msgspec.structs.replace(
            self.world.state, active=(ksk.label, zsk.label)
        )
        self.world.history.clear()
        self.run_until(lambda: True)
        self.start()
        self.run_until(lambda: self.world.state.roll is None)
        self.assertEqual(self.world.ds, {self.new.tag})

    def test_silent_parent(self) -> None:
        """While the parent does not answer the roll stays where it is, and says so."""
        self.start()
        self.world.deaf = True
        for _ in range(400):
            self.world.hour()
            self.assertEqual(self.world.bogus(), [])
        roll = self.world.state.roll
        assert roll is not None
        self.assertEqual(roll.stage, "signing")
        (wait,) = waiting(self.world.state, self.world.keys, self.world.now)
        self.assertIn("192.0.2.1 does not answer", wait.what)
        self.assertEqual(wait.since, roll.since)
        self.assertIsNone(wait.until)

    def test_one_server_is_late(self) -> None:
        """All servers of the parent must have the new DS, and none the old one."""
        self.start()
        self.run_until(
            lambda: (
                self.world.state.roll is not None
                and self.world.state.roll.stage == "signing"
            )
        )
        for tags, words in (
            ((self.old.tag,), "has not the new one"),
            ((self.old.tag, self.new.tag), "still has the old one"),
        ):
            view = ParentView(
                self.world.now, {"192.0.2.1": (self.new.tag,), "192.0.2.2": tags}, 60
            )
            state = msgspec.structs.replace(self.world.state, parent=view)
            state = advanced(state, self.world.keys, self.world.now + 9e6, TTL)
            assert state.roll is not None
            self.assertEqual(state.roll.stage, "signing")
            (wait,) = waiting(state, self.world.keys, self.world.now)
            self.assertIn(f"192.0.2.2 {words}", wait.what)
            self.assertNotIn("192.0.2.1 ", wait.what)

    def test_seen_by_hand(self) -> None:
        """The operator's word is taken for the parent's."""
        self.start()
        self.world.deaf = True
        for _ in range(10):
            self.world.hour()
        view = ParentView(self.world.now, {"operator": (self.new.tag,)}, 60, True)
        state = msgspec.structs.replace(self.world.state, parent=view)
        state = advanced(state, self.world.keys, self.world.now, TTL)
        assert state.roll is not None
        self.assertEqual(state.roll.stage, "trusted")

    def test_old_answer_of_the_parent(self) -> None:
        """What the parent showed before the roll began says nothing of it."""
        view = ParentView(NOW, {"192.0.2.1": (self.new.tag,)}, 60)
        self.start()
        self.world.state = advanced(
            self.world.state, self.world.keys, self.world.now + 3 * HOUR, TTL
        )
        state = msgspec.structs.replace(self.world.state, parent=view)
        state = advanced(state, self.world.keys, self.world.now + 9e6, TTL)
        assert state.roll is not None
        self.assertEqual(state.roll.stage, "signing")

    def test_only_one(self) -> None:
        """A second roll waits for the first; one without keys has none."""
        self.start()
        with self.assertRaises(RollFault):
            begin(self.world.state, self.new.label, self.world.now)
        with self.assertRaises(RollFault):
            begin(ZoneState(), self.new.label, self.world.now)

    def test_lost_key(self) -> None:
        """Keys that the state needs and nobody has are told."""
        self.start()
        lost = lost_keys(self.world.state, {self.old.label})
        self.assertEqual(lost, [self.new.label])


class StartTests(SynchronousTestCase):
    """The first days of a key."""

    def test_cds_waits(self) -> None:
        """CDS and CDNSKEY are out once no cache has unsigned answers any more."""
        key = fixed_key()
        state = ZoneState(active=(key.label,), since=NOW, highest_ttl=TTL)
        keys = {key.label: key}
        self.assertEqual(announced_at(state), NOW + TTL + MARGIN)
        early = keyset_of(state, keys, NOW + TTL).rrsets()
        self.assertEqual(set(early), {Type.DNSKEY})
        late = keyset_of(state, keys, NOW + TTL + MARGIN).rrsets()
        self.assertEqual(set(late), {Type.DNSKEY, Type.CDS, Type.CDNSKEY})
        self.assertEqual(late[Type.CDS].rdatas, (key.ds,))

    def test_waits(self) -> None:
        """First for caches, then for the parent, then for nothing."""
        key = fixed_key()
        keys = {key.label: key}
        state = ZoneState(active=(key.label,), since=NOW, highest_ttl=TTL)
        (wait,) = waiting(state, keys, NOW)
        self.assertEqual((wait.since, wait.until), (NOW, NOW + TTL + MARGIN))
        (wait,) = waiting(state, keys, NOW + 9e6)
        self.assertIn(f"DS of key {key.tag}", wait.what)
        seen = ParentView(NOW, {"192.0.2.1": (key.tag,)})
        state = msgspec.structs.replace(state, parent=seen)
        self.assertEqual(waiting(state, keys, NOW + 9e6), [])

    def test_two_kinds_of_keys(self) -> None:
        """A KSK signs the keys, a ZSK all else, where both were imported."""
        ksk, zsk = fixed_key(flags=CSK_FLAGS), fixed_key(number=8, flags=ZSK_FLAGS)
        keys = {key.label: key for key in (ksk, zsk)}
        out = keyset_of(ZoneState(active=tuple(keys), since=NOW), keys, NOW + 9e6)
        self.assertEqual(out.signers(Type.DNSKEY), (ksk,))
        self.assertEqual(out.signers(Type.CDS), (ksk,))
        self.assertEqual(out.signers(Type.A), (zsk,))
        self.assertEqual(out.rrsets()[Type.CDS].rdatas, (ksk.ds,))

    def test_other_signer(self) -> None:
        """Keys of another signer of the zone are published with ours."""
        ours, theirs = fixed_key(), fixed_key(number=99)
        keys = {ours.label: ours}
        out = keyset_of(ZoneState(active=(ours.label,), since=NOW), keys, NOW)
        found = out.rrsets([theirs.dnskey])
        self.assertEqual(set(found[Type.DNSKEY].rdatas), {ours.dnskey, theirs.dnskey})
        out = keyset_of(ZoneState(active=(ours.label,)), keys, NOW)
        found = out.rrsets([theirs.dnskey])
        self.assertEqual(set(found[Type.CDS].rdatas), {ours.ds, theirs.ds})
        found = out.rrsets([], [theirs.dnskey])
        self.assertEqual(set(found[Type.DNSKEY].rdatas), {ours.dnskey, theirs.dnskey})
        self.assertEqual(set(found[Type.CDS].rdatas), {ours.ds})
        out = keyset_of(ZoneState(active=(ours.label,), off_since=NOW), keys, NOW)
        self.assertEqual(out.rrsets([theirs.dnskey])[Type.CDS].rdatas, (theirs.ds,))


class OffTests(SynchronousTestCase):
    """From signed to unsigned."""

    def test_no_bogus_moment(self) -> None:
        """CDS asks to delete; it is safe to stop once caches have forgotten the DS."""
        here = world()
        here.state = msgspec.structs.replace(here.state, off_since=here.now)
        for _ in range(400):
            here.hour()
            self.assertEqual(here.bogus(), [])
            removable = removable_at(here.state)
            if removable is not None and here.now >= removable:
                break
        else:
            self.fail("never removable")
        self.assertFalse(
            any(ds for at, ds, *_ in here.history if at > here.now - DS_TTL)
        )
        found = keyset_of(here.state, here.keys, here.now).rrsets()
        self.assertEqual(found[Type.CDS].rdatas, (b"\0\0\0\0\0",))
        self.assertEqual(found[Type.CDNSKEY].rdatas, (b"\0\0\x03\0\0",))
        (wait,) = waiting(here.state, here.keys, here.now)
        self.assertIn("safe now", wait.what)
        with self.assertRaises(RollFault):
            begin(here.state, "any", here.now)

    def test_ds_stays(self) -> None:
        """While any server of the parent has a DS it is not safe."""
        here = world()
        here.lag = 1e9
        here.state = msgspec.structs.replace(here.state, off_since=here.now)
        for _ in range(200):
            here.hour()
        self.assertIsNone(removable_at(here.state))
        (wait,) = waiting(here.state, here.keys, here.now)
        self.assertIn("to remove its DS", wait.what)
