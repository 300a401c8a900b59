"""HTTP over TLS."""

import argparse
import os
import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from dinamed.commands.remote import Remote, RemoteError, remote_of
from dinamed.server.sockets import ListenAddress
from dinamed.server.tls import Certificates
from dinamed.web.service import web_service
from tests.health.certificates import key_and_certificate
from tests.web.support import CONFIG, SiteCase


class TlsTests(SiteCase):
    """A server that speaks HTTPS alone, and the commands that ask it."""

    def setUp(self) -> None:
        """Serve over TLS with a certificate that it has signed itself."""
        super().setUp()
        key, certificate = key_and_certificate("ns1.example.org")
        for name, data in (("key.pem", key), ("cert.pem", certificate)):
            with open(self.path(name), "wb") as file:
                file.write(data)
            os.chmod(self.path(name), 0o600)
        certificates = Certificates(self.path("cert.pem"), self.path("key.pem"))
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setblocking(False)
        self.port = sock.getsockname()[1]
        address = ListenAddress("127.0.0.1", self.port, socket.AF_INET)
        service = web_service(
            reactor, self.parts, None, [(address, sock)], certificates
        )
        service.startService()
        self.addCleanup(service.stopService)

    def path(self, name: str) -> str:
        """A file beside the config."""
        return os.path.abspath(os.path.join(self.folder, name))

    def remote(self) -> Remote:
        """The server as the commands find it by its config."""
        http = f'[server]\nhttp = "127.0.0.1:{self.port}"\nhttp_tls = true'
        text = f'{http}\ncertificate = "cert.pem"\nkey = "key.pem"'
        path = self.path("tls.toml")
        with open(path, "w") as file:
            file.write(CONFIG.replace("[server]", text, 1))
        return remote_of(argparse.Namespace(http=None, token_file=None, config=path))

    async def test_commands(self) -> None:
        """They read and change by the certificate that the config names."""
        remote = self.remote()
        status: Any = await deferToThread(remote.get, "/api/v1/status")
        self.assertEqual(status["identity"], "ns1")
        told = await deferToThread(remote.change, "POST", "/api/v1/reload")
        self.assertIn("serving", told)

    async def test_other_certificate(self) -> None:
        """A server that shows another certificate is not believed."""
        _, other = key_and_certificate("ns1.example.org")
        with open(self.path("other.pem"), "wb") as file:
            file.write(other)
        url = f"https://127.0.0.1:{self.port}"
        for remote in (Remote(url, None, self.path("other.pem")), Remote(url)):
            asking = deferToThread(remote.get, "/api/v1/status")
            error = await self.assertFailure(asking, RemoteError)
            self.assertIn("certificate refused", str(error))

    async def test_plain(self) -> None:
        """Plain HTTP gets nothing."""
        remote = Remote(f"http://127.0.0.1:{self.port}")
        asking = deferToThread(remote.get, "/api/v1/status")
        await self.assertFailure(asking, RemoteError)
