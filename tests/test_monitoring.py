"""The alerts and the Grafana dashboard that are shipped, against the metrics."""

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import need_tool
from tests.web.support import CONFIG, SiteCase

ETC = Path(__file__).resolve().parents[1] / "etc"
RULES = ETC / "prometheus" / "dinamed.rules.yml"
DASHBOARD = ETC / "grafana" / "dinamed.json"
FLEET = """
[fleet]
engine = "etcd"
endpoints = ["http://127.0.0.1:1"]
"""
USUAL = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}
SUFFIX = re.compile(r"_(bucket|count|sum)$")


def promtool(*arguments: str, data: bytes | None = None) -> None:
    """Run promtool; it must be content."""
    done = subprocess.run(
        [need_tool("promtool"), *arguments], input=data, capture_output=True, timeout=60
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def panels() -> list[Any]:
    """The panels of the Grafana dashboard."""
    told = json.loads(DASHBOARD.read_text("utf-8"))
    found: list[Any] = told["panels"]
    return found


def expressions() -> list[str]:
    """All queries of the dashboard, with its variables filled in."""
    return [
        target["expr"].replace("$instance", ".*").replace("$pool", ".*")
        for panel in panels()
        for target in panel["targets"]
    ]


class RulesTests(SynchronousTestCase):
    """promtool's word on the rules."""

    def test_rules(self) -> None:
        """They are well-formed."""
        promtool("check", "rules", str(RULES))

    def test_alerts(self) -> None:
        """They fire when they should, and not before."""
        promtool("test", "rules", str(ETC / "prometheus" / "dinamed.test.yml"))

    def test_config(self) -> None:
        """The job to copy is one that Prometheus takes."""
        promtool("check", "config", str(ETC / "prometheus" / "prometheus.yml"))


class GrafanaTests(SynchronousTestCase):
    """The dashboard for Grafana."""

    def test_expressions(self) -> None:
        """Every query is well-formed."""
        rules = [
            {"record": f"panel:{number}", "expr": expression}
            for number, expression in enumerate(expressions())
        ]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
            file.flush()
            promtool("check", "rules", file.name)

    def test_layout(self) -> None:
        """Panels have their own ids and places."""
        places = [tuple(panel["gridPos"].values()) for panel in panels()]
        ids = [panel["id"] for panel in panels()]
        self.assertEqual(len(set(places)), len(places))
        self.assertEqual(len(set(ids)), len(ids))
        self.assertTrue(all(x + w <= 24 for x, _, w, _ in places))


class MetricNamesTests(SiteCase):
    """What is shipped and what is told have the same names."""

    config = CONFIG + FLEET

    async def names(self) -> set[str]:
        """All metrics that the server tells, those without samples too."""
        reply = await self.ask("GET", "/metrics")
        promtool("check", "metrics", data=reply.body)
        families = text_string_to_metric_families(reply.body.decode())
        return {
            family.name + ("_total" if family.type == "counter" else "")
            for family in families
        }

    async def test_names(self) -> None:
        """Every metric in rules and panels is one of ours."""
        known = await self.names()
        texts = [*expressions(), RULES.read_text("utf-8")]
        used = {
            SUFFIX.sub("", name)
            for text in texts
            for name in re.findall(r"\bdinamed_\w+", text)
        }
        self.assertGreater(len(used), 10)
        self.assertEqual(used - known, set())

    async def test_manual(self) -> None:
        """Every metric of ours stands in the manual."""
        page = (ETC.parent / "docs" / "watching.rst").read_text("utf-8")
        ours = {name for name in await self.names() if name.startswith("dinamed_")}
        self.assertEqual({name for name in ours if f"``{name}``" not in page}, set())
