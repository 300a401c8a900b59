"""Tests for `[limits]`, and for the files of secrets that `[server]` names."""

import os
from textwrap import dedent

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.checks import HttpCheck
from dinamed.config.feeds import JsonFeed
from dinamed.config.limits import Limits
from dinamed.config.secrets import cookie_secrets
from dinamed.config.settings import Settings
from tests.config.folder import FolderTestCase
from tests.health.certificates import key_and_certificate

ONE, TWO = "e5e973e5a6b2a43f48e7dc849e37bfcf", "445536BCD2513298075A5D379663C962"


class CookieSecretTests(SynchronousTestCase):
    """The text of the file."""

    def test_lines(self) -> None:
        """One secret on a line, comments, empty lines."""
        text = f"# new\n{ONE}\n\n  {TWO} # old\n"
        found = tuple(map(bytes.fromhex, (ONE, TWO)))
        self.assertEqual(cookie_secrets(text), found)

    def test_refused(self) -> None:
        """The message has the line, and nothing of what stands there."""
        for text, why in (
            ("", "no secret"),
            ("# none\n", "no secret"),
            (f"{ONE}\n{TWO[:-1]}\n", "line 2 is not 32"),
            (f"0x{ONE}", "line 1 is not"),
        ):
            with self.assertRaises(ValueError) as caught:
                cookie_secrets(text)
            self.assertIn(why, str(caught.exception))
            self.assertNotIn(TWO[:-1], str(caught.exception))

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Whatever the text, it is secrets or a refusal."""
        try:
            found = cookie_secrets(text)
        except ValueError:
            return
        self.assertTrue(all(len(secret) == 16 for secret in found))


class ServerTests(FolderTestCase):
    """`[server]`."""

    def secret(self, name: str, text: str | bytes, mode: int = 0o640) -> str:
        """Write a file for few."""
        path = self.write(name, text)
        os.chmod(path, mode)
        return path

    def settings(self, text: str) -> Settings:
        """What a good config says."""
        loaded = self.load(dedent(text))
        assert loaded.settings is not None, loaded.problems
        return loaded.settings

    def problems(self, text: str) -> list[str]:
        """What is wrong, without the path of the folder."""
        found = self.load(dedent(text)).problems
        told = [f"{problem.key}: {problem.message}" for problem in found]
        return [line.replace(self.folder + os.sep, "") for line in told]

    def test_token(self) -> None:
        """The token for changes over HTTP is a secret as well, and not empty."""
        text = "[server]\ntoken_file = 'token'\n"
        for content, mode, told in (
            ("secret", 0o640, []),
            ("secret", 0o644, ["token is open to everybody; chmod o-rw it"]),
            ("secret", 0o642, ["token is open to everybody; chmod o-rw it"]),
            (" \n", 0o600, ["token is empty"]),
        ):
            self.secret("token", content, mode)
            expected = [f"server.token_file: {line}" for line in told]
            self.assertEqual(self.problems(text), expected)

    def test_cookies(self) -> None:
        """The secrets come with the settings."""
        self.secret("cookies", f"{ONE}\n{TWO}\n")
        settings = self.settings(
            """\
            [server]
            cookies = "require"
            cookie_secret_file = "cookies"
            """
        )
        self.assertEqual(settings.server.cookies, "require")
        self.assertEqual(settings.cookie_secrets, (ONE, TWO.lower()))

    def test_bad_cookies(self) -> None:
        """A file that is open, empty, not there, or no file."""
        text = "[server]\ncookie_secret_file = 'x'\n"
        key = "server.cookie_secret_file"
        self.assertEqual(
            self.problems(text), [f"{key}: can't read x: No such file or directory"]
        )
        self.secret("x", ONE, 0o644)
        (problem,) = self.problems(text)
        self.assertEqual(problem, f"{key}: x is open to everybody; chmod o-rw it")
        self.secret("x", "", 0o600)
        self.assertEqual(self.problems(text), [f"{key}: x: there is no secret in it"])
        os.unlink(os.path.join(self.folder, "x"))
        os.mkdir(os.path.join(self.folder, "x"))
        self.assertEqual(self.problems(text), [f"{key}: x is not a file"])

    TLS = """\
        [server]
        tls = ["127.0.0.1", "[::1]:8853"]
        certificate = "cert.pem"
        key = "key.pem"
        """

    def test_tls(self) -> None:
        """A certificate and the key that belongs to it; absolute paths."""
        key, certificate = key_and_certificate("ns1.example.org")
        self.secret("key.pem", key)
        path = self.write("cert.pem", certificate)
        server = self.settings(self.TLS).server
        self.assertEqual(server.certificate, path)
        self.assertEqual(server.tls, ("127.0.0.1", "[::1]:8853"))

    def test_bad_tls(self) -> None:
        """Another key, no PEM, a password, a key that all can read."""
        key, certificate = key_and_certificate("ns1.example.org")
        other, _ = key_and_certificate("ns1.example.org")
        locked = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
        )
        plain = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        )
        self.write("cert.pem", certificate)
        for data, why in (
            (other, "is not the key of the certificate"),
            (locked, "key.pem needs a password, and there is nobody to give it"),
            (plain, "key.pem holds no private key in PEM"),
        ):
            self.secret("key.pem", data)
            self.assertEqual(self.problems(self.TLS), [f"server.key: {why}"])
        self.secret("key.pem", key, 0o604)
        (problem,) = self.problems(self.TLS)
        self.assertIn("open to everybody", problem)
        self.secret("key.pem", key)
        self.write("cert.pem", "no certificate")
        (problem,) = self.problems(self.TLS)
        self.assertIn("holds no certificate in PEM", problem)

    def test_http_tls(self) -> None:
        """HTTPS needs what DNS over TLS needs, and HTTP."""
        text = "[server]\nhttp_tls = true\n"
        self.assertEqual(
            self.problems(text),
            [
                "server.http_tls: has no use without http",
                "server.http_tls: needs certificate",
                "server.http_tls: needs key",
            ],
        )

    def test_incomplete_tls(self) -> None:
        """Addresses without a certificate; the same address twice."""
        self.assertEqual(
            self.problems("[server]\ntls = ['127.0.0.1']\n"),
            ["server.tls: needs certificate", "server.tls: needs key"],
        )
        text = self.TLS.replace("[::1]:8853", "127.0.0.1:853")
        self.assertIn(
            "server.tls[1]: 127.0.0.1:853 stands here twice", self.problems(text)
        )

    def test_limits(self) -> None:
        """Every key has a default; what is out of range is told."""
        self.assertEqual(self.settings("").limits, Limits())
        text = """\
            [limits]
            responses_per_second = 5
            exempt = ["192.0.2.0/24"]
            tcp_idle = 10
            """
        limits = self.settings(text).limits
        self.assertEqual(
            limits,
            Limits(responses_per_second=5.0, exempt=("192.0.2.0/24",), tcp_idle=10.0),
        )
        bad = "[limits]\nslip = -1\ntcp_connections = 0\nexempt = ['x']\nrate = 1\n"
        keys = [line.partition(":")[0] for line in self.problems(bad)]
        self.assertEqual(
            keys,
            [
                "limits.slip",
                "limits.tcp_connections",
                "limits.exempt[0]",
                "limits.rate",
            ],
        )


HEADERS = """
[pools.p]
members = [{name = "m", addresses = ["192.0.2.1"]}]
[pools.p.check]
type = "http"
url = "http://{address}/"
headers = {X-A = "b"}
header_files = {Authorization = "token"}
[pools.p.load]
type = "json"
url = "http://{address}/"
path = "a"
header_files = {Authorization = "token"}
"""


class HeaderTests(FolderTestCase):
    """Headers whose values are in files."""

    def secret(self, data: bytes, mode: int = 0o600) -> None:
        """Write the file with the value."""
        os.chmod(self.write("token", data), mode)

    def test_read(self) -> None:
        """The value stands in the file, with or without an end of line."""
        self.secret(b" Bearer abc\r\n")
        (pool,) = self.settings(HEADERS).pools
        (check,) = pool.check
        assert isinstance(check, HttpCheck)
        assert isinstance(pool.load, JsonFeed)
        header = ("Authorization", "Bearer abc")
        self.assertEqual(check.headers, (("X-A", "b"), header))
        self.assertEqual(pool.load.headers, (header,))

    def test_refused(self) -> None:
        """Open to all, empty, several lines, twice; the value is never told."""
        for data, mode, why in (
            (b"s3cret", 0o644, "is open to everybody"),
            (b" \n", 0o600, "is empty"),
            (b"s3cret\nmore", 0o600, "holds no value of a header"),
            (b"s3cr\xe9t", 0o600, "holds no value of a header"),
        ):
            self.secret(data, mode)
            told = self.told(HEADERS)
            self.assertEqual(len(told), 2, told)
            self.assertIn(why, told[0])
            self.assertIn("header_files.Authorization: ", told[0])
            self.assertNotIn("s3cr", told[0])
        self.secret(b"x")
        (told_twice,) = self.told(HEADERS.replace("X-A", "authorization"))
        self.assertIn("there is a header Authorization already", told_twice)

    def test_missing(self) -> None:
        """No such file; not a table of files."""
        self.assertIn("can't read FOLDER/token: No such file", self.told(HEADERS)[0])
        for value in ("1", '{"a b" = "x"}', "{A = 1}", '{A = ""}', '{Host = "x"}'):
            text = HEADERS.replace('{Authorization = "token"}', value)
            self.assertEqual(len(self.told(text)), 2, value)
