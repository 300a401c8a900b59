"""Clients that change records: python-powerdns, and two plugins of certbot."""

import logging
import os
from typing import Any

import powerdns
from certbot import errors
from certbot.configuration import NamespaceConfig
from certbot_dns_pdns import dns_pdns
from certbot_dns_rfc2136._internal import dns_rfc2136
from powerdns.exceptions import PDNSError
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.records import SECRET, TOKEN, RecordsDaemon

CHALLENGE = "_acme-challenge.www"


class ClientCase(SynchronousTestCase):
    """A daemon for one client."""

    def setUp(self) -> None:
        """Start it."""
        logging.disable(logging.ERROR)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.daemon = RecordsDaemon("client")
        self.addCleanup(self.daemon.clean_up)
        self.daemon.start()


class PythonPowerdnsTests(ClientCase):
    """The module `powerdns`."""

    def zone(self) -> Any:
        """The zone, read anew."""
        client = powerdns.PDNSApiClient(f"{self.daemon.url}/api/v1", TOKEN)
        (server,) = powerdns.PDNSEndpoint(client).servers
        self.assertEqual(server.suggest_zone("a.www.example.org.").name, "example.org.")
        return server.get_zone("example.org.")

    def records(self) -> list[Any]:
        """What is wanted."""
        return [
            powerdns.RRSet("www", "A", ["192.0.2.7", "192.0.2.8"], ttl=60),
            powerdns.RRSet("www", "AAAA", ["2001:db8::7"], ttl=60),
            powerdns.RRSet("t", "TXT", [('"a; b"', False)]),
        ]

    def test_whole_way(self) -> None:
        """Create, create again without a change, read, back up, notify, delete."""
        daemon, zone = self.daemon, self.zone()
        zone.create_records(self.records())
        self.assertEqual(daemon.found("www", "A"), {"192.0.2.7", "192.0.2.8"})
        self.assertEqual(daemon.found("t", "TXT"), {'"a; b"'})
        serial = daemon.serial
        zone = self.zone()
        zone.create_records(self.records())
        self.assertEqual(daemon.serial, serial)
        (text,) = self.zone().get_record("t.example.org.")
        self.assertEqual(text["records"], [{"content": '"a; b"', "disabled": False}])
        zone.backup(str(daemon.folder), "backup.json")
        self.assertTrue((daemon.folder / "backup.json").exists())
        zone.notify()
        zone.delete_records(self.records())
        self.assertEqual(daemon.found("www", "A"), set())
        self.assertEqual(self.zone().get_record("www.example.org."), [])
        daemon.assert_quiet()

    def test_pool(self) -> None:
        """A pool's name is refused, with the words of the server."""
        wanted = [powerdns.RRSet("ftp", "A", ["192.0.2.9"])]
        error = self.assertRaises(PDNSError, self.zone().create_records, wanted)
        self.assertEqual(error.status_code, 422)
        self.assertIn("ftp", error.message)
        self.assertEqual(self.daemon.found("ftp", "A"), {"192.0.2.1"})


class CertbotCase(ClientCase):
    """A plugin of certbot, as certbot itself makes and calls it."""

    plugin: Any = None
    name = ""

    def authenticator(self, **credentials: str) -> Any:
        """The plugin with a file of credentials."""
        option = self.name.replace("-", "_")
        file = self.daemon.folder / "credentials.ini"
        lines = [f"{option}_{key} = {value}\n" for key, value in credentials.items()]
        file.write_text("".join(lines))
        os.chmod(file, 0o600)
        settings = type("Settings", (), {})()
        for key, value in {
            f"{option}_credentials": str(file),
            f"{option}_propagation_seconds": 0,
            "config_dir": str(self.daemon.folder),
            "work_dir": str(self.daemon.folder),
            "logs_dir": str(self.daemon.folder),
            "http01_port": 80,
            "https_port": 443,
            "domains": [],
        }.items():
            setattr(settings, key, value)
        made = self.plugin(NamespaceConfig(settings), self.name)
        made._setup_credentials()
        return made

    def whole_way(self, plugin: Any) -> None:
        """Two challenges of one name, one of them twice; then none."""
        daemon, name = self.daemon, f"{CHALLENGE}.example.org"
        for value in ("one", "two", "two"):
            plugin._perform("www.example.org", name, value)
        self.assertEqual(daemon.found(CHALLENGE, "TXT"), {'"one"', '"two"'})
        plugin._cleanup("www.example.org", name, "one")
        self.assertEqual(daemon.found(CHALLENGE, "TXT"), {'"two"'})
        plugin._cleanup("www.example.org", name, "two")
        self.assertEqual(daemon.found(CHALLENGE, "TXT"), set())
        daemon.assert_quiet()


class CertbotPowerdnsTests(CertbotCase):
    """certbot-dns-pdns."""

    plugin = dns_pdns.Authenticator
    name = "dns-pdns"

    def with_key(self, key: str) -> Any:
        """The plugin with an API key."""
        return self.authenticator(
            endpoint=self.daemon.url,
            api_key=key,
            server_id="localhost",
            disable_notify="false",
        )

    def test_whole_way(self) -> None:
        """Over HTTP, as PowerDNS has it."""
        self.whole_way(self.with_key(TOKEN))

    def test_wrong_key(self) -> None:
        """Another key is refused, and certbot says so."""
        plugin = self.with_key("wrong")
        error = self.assertRaises(
            errors.PluginError, plugin._perform, "www.example.org", "a.example.org", "v"
        )
        self.assertIn("40", str(error))


class CertbotUpdateTests(CertbotCase):
    """certbot-dns-rfc2136."""

    plugin = dns_rfc2136.Authenticator
    name = "dns-rfc2136"

    def test_whole_way(self) -> None:
        """By UPDATE, with a key that may change challenges alone."""
        plugin = self.authenticator(
            server="127.0.0.1",
            port=str(self.daemon.port),
            name="acme",
            secret=SECRET,
            algorithm="HMAC-SHA256",
        )
        self.whole_way(plugin)
        self.assertRaises(
            errors.PluginError, plugin._perform, "example.org", "www.example.org", "v"
        )
