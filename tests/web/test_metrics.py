"""What Prometheus is told."""

import re

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dinamed.health.hysteresis import CheckRecord
from dinamed.health.service import CheckStatus
from dinamed.plans.context import packed
from dinamed.pools.report import make_report
from dinamed.web.metrics import ServerCollector, registry_of, text_of
from tests.plans.support import query
from tests.web.support import CONFIG, SiteCase

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

MANY = (
    """\
[zones."example.org"]
file = "example.org.zone"
[pools.large]
select = ["predictive"]
load = {type = "push"}
members = [
"""
    + "\n".join(
        f'{{name = "m{number}", addresses = ["2001:db8::{number:x}"]}},'
        for number in range(400)
    )
    + "\n]\n"
)


def read(text: str) -> Samples:
    """All samples of a page."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class MetricsTests(SiteCase):
    """The page, and what stands in it."""

    async def samples(self) -> Samples:
        """What the page says."""
        reply = await self.ask("GET", "/metrics")
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.type, "text/plain; version=0.0.4; charset=utf-8")
        return read(reply.body.decode())

    async def value(self, name: str, **labels: str) -> float | None:
        """One sample."""
        return (await self.samples()).get((name, frozenset(labels.items())))

    async def test_same_as_the_library_writes(self) -> None:
        """Our text says what that of prometheus_client says."""
        self.parts.stack.resolver.respond(
            query("ftp.example.org", "A").to_wire(), packed("::1")
        )
        registry = registry_of(ServerCollector(self.parts))
        ours = read(b"".join(text_of(registry.collect)).decode())
        theirs = read(generate_latest(registry).decode())
        self.assertEqual(ours.keys(), theirs.keys())
        changing = re.compile("process_")
        for key, value in theirs.items():
            if not changing.match(key[0]):
                self.assertEqual(ours[key], value, key)

    async def test_questions(self) -> None:
        """By zone, type, reply and transport."""
        for name, rdtype in (("ftp", "A"), ("ftp", "A"), ("no", "MX")):
            data = query(f"{name}.example.org", rdtype).to_wire()
            self.parts.stack.resolver.respond(data, packed("192.0.2.7"))
        labels = {"zone": "example.org.", "transport": "udp"}
        self.assertEqual(
            await self.value(
                "dinamed_questions_total", type="A", rcode="NOERROR", **labels
            ),
            2,
        )
        self.assertEqual(
            await self.value(
                "dinamed_questions_total", type="MX", rcode="NXDOMAIN", **labels
            ),
            1,
        )

    async def test_detours(self) -> None:
        """Of a pool whose clients were sent by cost, where they went; of no other."""
        name = "dinamed_pool_detour_seconds_total"
        self.assertIsNone(await self.value(name, pool="mirrors"))
        detours = self.authority.manager.view("mirrors").accounting.detours
        detours.sent(30.0, 0.0)
        detours.sent(10.0, 50.0)
        self.assertEqual(await self.value(name, pool="mirrors"), 0.5)
        for kind, clients in (("steered", 40), ("spilled", 10)):
            name = f"dinamed_pool_{kind}_clients_total"
            self.assertEqual(await self.value(name, pool="mirrors"), clients)

    async def test_members(self) -> None:
        """Load, its age, capacity, hand-outs, state."""
        report = make_report(1.5, now=self.now - 20, source="push", at=self.now - 20)
        self.authority.manager.report("mirrors", "big", report, now=self.now)
        await self.ask("PUT", "/api/v1/pools/mirrors/members/big", {"state": "drain"})
        data = query("ftp.example.org", "A").to_wire()
        self.parts.stack.resolver.respond(data, packed("192.0.2.7"))
        samples = await self.samples()
        big = frozenset({("pool", "mirrors"), ("member", "big")})
        small = frozenset({("pool", "mirrors"), ("member", "small/er")})
        told = {
            (name.removeprefix("dinamed_member_"), labels): value
            for (name, labels), value in samples.items()
        }
        self.assertEqual(told["load", big], 1.5)
        self.assertEqual(told["report_age_seconds", big], 20)
        self.assertEqual(told["capacity", big], 3)
        self.assertEqual(told["weight", big], 3)
        self.assertEqual(told["usable", big], 0)
        self.assertEqual(told["state", big | {("state", "drain")}], 1)
        self.assertEqual(told["hand_outs_total", small], 1)
        self.assertNotIn(("load", small), told)
        self.assertNotIn(("report_age_seconds", small), told)
        self.assertEqual(
            samples["dinamed_pool_usable_members", frozenset({("pool", "mirrors")})], 1
        )

    async def test_check_duration(self) -> None:
        """A member has the longest of its last checks; one without checks none."""
        health = self.parts.health
        quick = CheckStatus(
            "tcp", "192.0.2.1", True, 0.0, "", (CheckRecord(0, True, 9.0),)
        )
        slow = quick._replace(
            history=(CheckRecord(0, True, 9.0), CheckRecord(1, True, 0.25))
        )
        quick = quick._replace(history=(CheckRecord(1, True, 0.125),))
        found = {("mirrors", "big"): [quick, slow]}
        self.patch(health, "status", lambda *place: found.get(place, []))
        name = "dinamed_member_check_duration_seconds"
        took = await self.value(name, pool="mirrors", member="big")
        self.assertEqual(took, 0.25)
        self.assertIsNone(await self.value(name, pool="mirrors", member="small/er"))

    async def test_of_the_process(self) -> None:
        """Build, process and reloads are there."""
        names = {name for name, _ in await self.samples()}
        for name in (
            "dinamed_build_info",
            "process_resident_memory_bytes",
            "dinamed_reloads_total",
            "dinamed_answer_duration_seconds_bucket",
            "dinamed_check_lateness_seconds_count",
            "dinamed_open_connections",
            "dinamed_closed_connections_total",
            "dinamed_limited_replies_total",
            "dinamed_failures_total",
            "dinamed_plane_queries_total",
            "dinamed_plane_batch_duration_seconds_count",
            "dinamed_logged_queries_total",
        ):
            self.assertIn(name, names)

    async def test_escapes(self) -> None:
        """Names with quotes and backslashes come through."""
        text = CONFIG.replace('"small/er"', "'sm\"a\\ll'")
        self.config = text
        self.setUp()
        samples = await self.samples()
        members = {dict(labels).get("member") for _, labels in samples}
        self.assertIn('sm"a\\ll', members)

    async def test_methods(self) -> None:
        """HEAD is empty, others are refused."""
        reply = await self.ask("HEAD", "/metrics")
        self.assertEqual((reply.status, reply.body), (200, b""))
        await self.json("POST", "/metrics", 405)


class ManyMembersTests(SiteCase):
    """A pool of many members is told in many pieces."""

    config = MANY

    async def test_pieces(self) -> None:
        """Each piece is small, and together they are complete."""
        reply = await self.ask("GET", "/metrics")
        samples = read(reply.body.decode())
        members = {dict(labels).get("member") for _, labels in samples} - {None}
        self.assertEqual(len(members), 400)

    async def test_pool(self) -> None:
        """The API tells of all of them too."""
        pool = await self.json("GET", "/api/v1/pools/large", 200)
        self.assertEqual(len(pool["members"]), 400)
