"""Tests of finding the server that a command talks to."""

import argparse
import contextlib
import io
import os
import socket
import ssl
from http.client import BadStatusLine, RemoteDisconnected

from dinamed.commands.remote import (
    DEFAULT_URL,
    RemoteError,
    UnreachedError,
    reach_of,
    remote_of,
    words_of,
)
from tests.config.folder import FolderTestCase


class ReachTests(FolderTestCase):
    """What is read of a config."""

    def arguments(self, *, http: str | None = None) -> argparse.Namespace:
        """Flags that name the config."""
        return argparse.Namespace(config=self.path, http=http, token_file=None)

    def test_lenient(self) -> None:
        """Mistakes elsewhere and unknown stages are no hindrance."""
        os.chmod(self.write("token", "s3cret\n"), 0o600)
        text = '[server]\nhttp = "127.0.0.1:99"\ntoken_file = "token"\nlisten = 5\n'
        self.write("dinamed.toml", text + '[pools.p]\nselect = ["nightly"]\nx = 1\n')
        reach = reach_of(self.path)
        self.assertEqual((reach.url, reach.problems), ("http://127.0.0.1:99", ()))
        self.assertEqual(reach.token_file, os.path.join(self.folder, "token"))
        self.assertEqual(remote_of(self.arguments()).url, "http://127.0.0.1:99")

    def test_mistakes(self) -> None:
        """A mistake in what is needed is told, and the default is asked."""
        for text in (
            '[server]\nhttp = "x"\n',
            "[",
            "[server]\nhttp = 1\n",
            "server = 1",
        ):
            self.write("dinamed.toml", text)
            with contextlib.redirect_stderr(io.StringIO()) as told:
                remote = remote_of(self.arguments())
            self.assertEqual(remote.url, DEFAULT_URL)
            self.assertIn(f"{self.path}:", told.getvalue())
            self.assertIn(f"asking {DEFAULT_URL} all the same", told.getvalue())
            with contextlib.redirect_stderr(io.StringIO()) as told:
                remote = remote_of(self.arguments(http="http://127.0.0.1:7"))
            self.assertEqual(remote.url, "http://127.0.0.1:7")
            self.assertNotIn("all the same", told.getvalue())

    def test_token(self) -> None:
        """A token that can't be read is one sentence."""
        self.write("dinamed.toml", '[server]\ntoken_file = "none"\n')
        with self.assertRaisesRegex(RemoteError, "can't read the token in .*No such"):
            remote_of(self.arguments())

    def test_words(self) -> None:
        """Why nobody answered, for people."""
        for error, words in (
            (ConnectionRefusedError(111, "Connection refused"), "does the server run"),
            (TimeoutError(), "no answer in time"),
            (RemoteDisconnected("x"), "does it want https?"),
            (BadStatusLine("x"), "is not dinamed's HTTP API"),
            (socket.gaierror(-2, "Name or service not known"), "Name or service not"),
            (ssl.SSLError(1, "[SSL] wrong version"), "TLS: "),
        ):
            self.assertIn(words, words_of(error))

    def test_refused(self) -> None:
        """Nobody there is its own kind of error, with a hint."""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{bound.getsockname()[1]}"
            remote = remote_of(self.arguments(http=url))
            with self.assertRaisesRegex(UnreachedError, r"http in \[server\]\?"):
                remote.get("/api/v1/status")
