"""Talking to a running server over its HTTP API."""

import argparse
import http.client
import json
import socket
import ssl
import sys
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import (
    BaseHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from dinamed.config.default import default_path
from dinamed.config.load import load

DEFAULT_URL = "http://127.0.0.1:8053"
TIMEOUT = 30.0  # seconds
_END = "-----END CERTIFICATE-----"


class RemoteError(Exception):
    """The server can't be reached, or refused; the message is for the operator."""


def add_remote_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say where the server is, and with which token."""
    parser.add_argument(
        "--http",
        metavar="URL",
        help=f"the server's HTTP address (default: from the config, or {DEFAULT_URL})",
    )
    parser.add_argument(
        "--token-file", metavar="FILE", help="holds the token (default: the config's)"
    )
    parser.add_argument("-c", "--config", metavar="FILE", help="config file")


class Remote:
    """One server."""

    def __init__(
        self, url: str, token: str | None = None, certificate: str | None = None
    ) -> None:
        """`certificate` is the one file in PEM whose first certificate is trusted.

        Without it those of the system are.  Raises `RemoteError`.
        """
        self._url = url.rstrip("/")
        self._token = token
        handlers: list[BaseHandler] = [ProxyHandler({})]
        # A proxy of the environment has no business between us and a name server.
        if certificate is not None:
            handlers.append(HTTPSHandler(context=_only(certificate)))
        self._opener = build_opener(*handlers)

    def get(self, path: str, **arguments: str) -> Any:
        """The JSON at `path`.  Raises `RemoteError`."""
        query = f"?{urlencode(arguments)}" if arguments else ""
        return self._ask("GET", path + query)

    def change(
        self, method: str, path: str, body: object = None, timeout: float = TIMEOUT
    ) -> Any:
        """Send a change, get what it brought about.  Raises `RemoteError`."""
        return self._ask(method, path, body, timeout)

    def _ask(
        self, method: str, path: str, body: object = None, timeout: float = TIMEOUT
    ) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if self._token is not None:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=timeout) as reply:
                return json.load(reply)
        except HTTPError as error:
            raise RemoteError(_message(error)) from None
        except (URLError, OSError, ValueError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise RemoteError(f"{self._url}: {reason}") from None


def _only(certificate: str) -> ssl.SSLContext:
    """Trust in the one certificate that we know, whatever name we reach it by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        with open(certificate) as file:
            first = file.read().partition(_END)
        context.load_verify_locations(cadata=first[0] + first[1])
    except (OSError, ValueError) as error:
        raise RemoteError(f"{certificate}: {error}") from None
    return context


def _message(error: HTTPError) -> str:
    try:
        told = json.loads(error.read())
        return "\n".join([*told.get("problems", ()), str(told["error"])])
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return f"HTTP status {error.code}"


def remote_of(arguments: argparse.Namespace) -> Remote:
    """The server that the arguments, or else the config, speak of.

    Raises `RemoteError`.
    """
    url, token_file = arguments.http, arguments.token_file
    certificate = None
    if url is None or token_file is None:
        path = arguments.config or default_path()
        loaded = load(path)
        settings = loaded.settings
        if settings is None and url is None:
            problems = "\n".join(map(str, loaded.problems))
            raise RemoteError(f"{problems}\nsay where the server is with --http URL")
        if settings is not None:
            token_file = token_file or settings.server.token_file
            if url is None and settings.server.http is not None:
                url = _url(settings.server.http)
                if settings.server.http_tls:
                    url = url.replace("http:", "https:", 1)
                    certificate = settings.server.certificate
    if token_file is None:
        return Remote(url or DEFAULT_URL, None, certificate)
    try:
        with open(token_file) as file:
            token = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RemoteError(f"{token_file}: {error}") from None
    return Remote(url or DEFAULT_URL, token, certificate)


def _url(listen: str) -> str:
    """Where to reach what listens there; a wildcard is reached on this host."""
    host, _, port = listen.rpartition(":")
    bare = host.strip("[]")
    if bare == "0.0.0.0":
        host = "127.0.0.1"
    elif bare == "::":
        host = "[::1]"
    return f"http://{host or socket.gethostname()}:{port}"


def complain(error: RemoteError) -> int:
    """Print what went wrong; return the exit status."""
    *problems, verdict = str(error).split("\n")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"dinamed: {verdict}", file=sys.stderr)
    return 1
