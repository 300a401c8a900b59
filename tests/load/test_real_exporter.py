"""The `prometheus` feed with a real node_exporter, and a page of its size."""

import tempfile
from pathlib import Path

from dinamed.config.feed_forms import MetricLabel
from dinamed.config.feeds import PrometheusFeed
from dinamed.load.poller import ProbeTarget
from dinamed.load.prometheus import PrometheusPoller, PrometheusSource
from tests.daemon.harness import free_port
from tests.load.real import ANY_REACTOR, RealTestCase


class NodeExporterTests(RealTestCase):
    """One exporter on a loopback address."""

    def setUp(self) -> None:
        """Start it, with a folder for metrics of our own."""
        self.port = free_port()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.metrics = Path(folder.name, "own.prom")
        self.write(0)
        self.start(
            "prometheus-node-exporter",
            [
                f"--web.listen-address=127.0.0.1:{self.port}",
                f"--collector.textfile.directory={folder.name}",
                "--collector.disable-defaults",
                "--collector.loadavg",
                "--collector.netdev",
                "--collector.netdev.device-exclude=",
                "--collector.netdev.device-include=^lo$",
                "--collector.textfile",
            ],
        )

    def write(self, count: int) -> None:
        """Let our own counter have a value."""
        new = self.metrics.with_suffix(".new")
        new.write_text(
            "# TYPE sent_total counter\n"
            f'sent_total{{mirror="a"}} {count}\n'
            f'sent_total{{mirror="b"}} {2 * count}\n',
            "ascii",
        )
        new.rename(self.metrics)

    def poller(
        self,
        metric: str,
        *labels: MetricLabel,
        rate: float | None = None,
        scale: float = 1.0,
    ) -> PrometheusPoller:
        """What asks for a metric."""
        feed = PrometheusFeed(
            url=f"http://{{address}}:{self.port}/metrics",
            metric=metric,
            labels=labels,
            rate=rate,
            scale=scale,
            timeout=5.0,
        )
        source = PrometheusSource(ANY_REACTOR, feed)
        return source.poller(ProbeTarget("127.0.0.1", "one"))

    async def test_gauge(self) -> None:
        """The load average of this machine."""
        report = await self.report(self.poller("node_load1"))
        average = float(Path("/proc/loadavg").read_text("ascii").split()[0])
        self.assertAlmostEqual(report.load, average, delta=2)

    async def test_traffic(self) -> None:
        """What is sent over loopback, in bits per second: we are sending just now."""
        name, device = "node_network_transmit_bytes_total", ("device", "lo")
        poller = self.poller(name, device, rate=0.0, scale=8)
        report = await self.report(poller, lambda report: report.load > 0)
        self.assertLess(report.load, 1e12)

    async def test_counter(self) -> None:
        """A counter grows by what it grows, and its sum by that of all series."""
        report = await self.report(self.poller("sent_total"))
        self.assertEqual(report.load, 0)
        self.write(1000)
        poller = self.poller("sent_total", ("mirror", "b"))
        report = await self.report(poller, lambda report: report.load > 0)
        self.assertEqual(report.load, 2000)
        self.assertEqual((await self.report(self.poller("sent_total"))).load, 3000)

    async def test_refused(self) -> None:
        """A metric that is not there has its reason."""
        await self.report(self.poller("node_load1"))
        words = await self.refusal(self.poller("node_load1", ("mirror", "a")))
        self.assertEqual(words, 'no series node_load1{mirror="a"}')
