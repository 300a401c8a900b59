"""Talking to a running server over its HTTP API."""

import argparse
import http.client
import json
import socket
import ssl
import sys
from dataclasses import dataclass
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
from dinamed.config.reader import Reader
from dinamed.config.settings import ServerSettings
from dinamed.config.sources import read_sources
from dinamed.problems import Problem

DEFAULT_URL = "http://127.0.0.1:8053"
TIMEOUT = 30.0  # seconds
_REACH = ("http", "http_tls", "certificate", "token_file", "state")
_END = "-----END CERTIFICATE-----"


class RemoteError(Exception):
    """The server can't be reached, or refused; the message is for the operator."""


class UnreachedError(RemoteError):
    """Nobody answered, or nobody who speaks HTTP."""


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
        self.url = url.rstrip("/")
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
        request = Request(self.url + path, data, method=method)
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
            raise UnreachedError(f"{self.url}: {words_of(reason)}") from None


def words_of(reason: object) -> str:
    """Why nobody answered, for people."""
    match reason:
        case ConnectionRefusedError():
            return (
                "connection refused; does the server run, and has its config an http "
                "in [server]?"
            )
        case TimeoutError():
            return "no answer in time"
        case ssl.SSLCertVerificationError():
            return f"certificate refused: {reason.verify_message}"
        case ssl.SSLError():
            return f"TLS: {getattr(reason, 'reason', None) or reason}"
        case http.client.RemoteDisconnected():
            return "closed without an answer; does it want https?"
        case http.client.HTTPException() | json.JSONDecodeError():
            return "what answers there is not dinamed's HTTP API"
        case OSError(strerror=str()):
            return str(reason.strerror)
    return str(reason)


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


@dataclass(frozen=True)
class Reach:
    """How a server is reached, as its config says.

    `url` is None where the config does not open HTTP.  `problems` are those of the
    keys that were looked at, and of a file that can't be read: a mistake elsewhere is
    no reason not to talk to a server that runs.
    """

    url: str | None
    token_file: str | None
    certificate: str | None
    problems: tuple[Problem, ...]
    state: str | None = None
    """The folder of what outlasts the server, on its machine."""


def reach_of(path: str) -> Reach:
    """Read of a config only what says how its server is reached."""
    sources = read_sources(path)
    if isinstance(sources, Problem):
        return Reach(None, None, None, (sources,))
    raw = sources.tables.get("server", {})
    reader = Reader(sources)
    if isinstance(raw, dict):
        raw = {key: value for key, value in raw.items() if key in _REACH}
    server = reader.table(ServerSettings, raw, ("server",))
    problems = (*sources.problems, *reader.problems)
    if server is None:
        return Reach(None, None, None, problems)
    url = None if server.http is None else _url(server.http)
    certificate = None
    if url is not None and server.http_tls:
        url = url.replace("http:", "https:", 1)
        certificate = server.certificate
    return Reach(url, server.token_file, certificate, problems, server.state)


def remote_of(arguments: argparse.Namespace) -> Remote:
    """The server that the arguments, or else the config, speak of.

    What is wrong in the config goes to standard error.  Raises `RemoteError`.
    """
    reach = Reach(None, None, None, ())
    if arguments.http is None or arguments.token_file is None:
        reach = reach_of(arguments.config or default_path())
    return remote_at(arguments, reach)


def remote_at(arguments: argparse.Namespace, reach: Reach) -> Remote:
    """The server that the arguments name, or else a config.  Raises `RemoteError`."""
    url = arguments.http or reach.url or DEFAULT_URL
    for problem in reach.problems:
        print(problem, file=sys.stderr)
    if reach.problems and arguments.http is None:
        print(f"dinamed: asking {url} all the same", file=sys.stderr)
    token_file = arguments.token_file or reach.token_file
    certificate = reach.certificate if arguments.http is None else None
    if token_file is None:
        return Remote(url, None, certificate)
    try:
        with open(token_file) as file:
            token = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise RemoteError(f"can't read the token in {token_file}: {reason}") from None
    return Remote(url, token, certificate)


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
