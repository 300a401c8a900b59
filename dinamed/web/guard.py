"""Who may change things over HTTP."""

import hmac
import ipaddress
import os
import stat
from collections.abc import Collection, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from twisted.web.http import Request

from dinamed.config.settings import Right, TokenSettings

_PROXIED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Headers of a proxy: its address is loopback, that of who asks need not be."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Guard:
    """Allows changes to holders of a token; without any token, to loopback only.

    Whoever holds that of `token_file` may do all, the others what their token says.
    Files are read anew for each request, so that tokens can be changed.
    """

    def __init__(
        self, token_file: str | None, tokens: Sequence[TokenSettings] = ()
    ) -> None:
        self._tokens = tuple(tokens)
        if token_file is not None:
            owner = TokenSettings(name="", file=token_file, may=("all",))
            self._tokens = (owner, *self._tokens)

    def objection(
        self, request: Request, need: Right = "all"
    ) -> tuple[int, str] | None:
        """None if the request may change things, else the HTTP status and why not.

        `need` is the right to what it wants.
        """
        if not self._tokens:
            return self._not_local(request)
        given = _credentials(request)
        if given is None:
            return 401, "needs Authorization: Bearer TOKEN"
        try:
            token = self._token_of(given)
        except (OSError, ValueError) as error:
            return 503, f"the token file is not usable: {error}"
        if token is None:
            return 403, "wrong token"
        if need not in token.may and "all" not in token.may:
            return 403, f'the token "{token.name}" may not change that ({need})'
        return None

    def who(self, request: Request) -> str:
        """Who asks: the name of the token, else the client's address."""
        given = _credentials(request)
        token = None
        if given is not None:
            with suppress(OSError, ValueError):
                token = self._token_of(given)
        return token.name if token and token.name else request.getClientAddress().host

    def _token_of(self, given: bytes) -> TokenSettings | None:
        """The token that is given.  Raises if none fits, and one can't be read."""
        trouble: Exception | None = None
        found = None
        for token in self._tokens:
            try:
                if hmac.compare_digest(given, read_token(token.file)) and not found:
                    found = token
            except (OSError, ValueError) as error:
                trouble = error
        if found is None and trouble is not None:
            raise trouble
        return found

    @staticmethod
    def _not_local(request: Request) -> tuple[int, str] | None:
        """Only a program on this host, and no page that a browser here has open."""
        if not _is_loopback(request.getClientAddress().host):
            return 403, "without a token file only loopback may change things"
        if not _names_loopback(request.getHeader("host") or ""):
            return 403, "the Host header does not name this host"
        if any(request.getHeader(name) is not None for name in _PROXIED):
            return 403, "without a token file nothing behind a proxy may change things"
        if _from_another_origin(request):
            return 403, "asked for by a page of another origin"
        return None


def _credentials(request: Request) -> bytes | None:
    """The token that a request carries, if any."""
    key = request.getHeader("x-api-key")
    if key is not None:
        return key.strip().encode()
    scheme, _, credentials = (request.getHeader("authorization") or "").partition(" ")
    return credentials.strip().encode() if scheme.lower() == "bearer" else None


def read_token(path: str) -> bytes:
    """The token in a file.  Raises `OSError`, or `ValueError` if it is no secret."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
            raise ValueError("it can be read by everybody")
        token = file.read(4096).strip()
    if not token:
        raise ValueError("it is empty")
    return token


def _from_another_origin(request: Request) -> bool:
    """Whether a browser sent this for a page that is not ours.

    Another port is another origin (RFC 6454 section 4): whatever else serves pages on
    this host has no say here.
    """
    site = request.getHeader("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = request.getHeader("origin")
    if origin is None:
        return False
    asked = "//" + (request.getHeader("host") or "")
    try:
        page = urlsplit(origin)
        port = _DEFAULT_PORTS.get(page.scheme)
        ours = urlsplit(asked)
        return (page.hostname, page.port or port) != (ours.hostname, ours.port or port)
    except ValueError:
        return True


def names_another_host(request: Request, hosts: Collection[str] = ()) -> bool:
    """Whether a request to a listener on loopback names a host that is not this one.

    A browser that was led here by a name of somebody else's, whose address was then
    changed to loopback (DNS rebinding), says so by that name.  `hosts` are more names
    that are right, as a proxy may send them.
    """
    header = request.getHeader("host")
    channel = request.channel
    if header is None or channel is None:
        return False
    here = getattr(channel.getHost(), "host", "")
    return _is_loopback(here) and not (
        _names_loopback(header) or _host_in(header) in hosts
    )


def _names_loopback(header: str) -> bool:
    host = _host_in(header)
    return host == "localhost" or _is_loopback(host)


def _host_in(header: str) -> str:
    """The host of a Host header, in lower case; empty if it names none."""
    try:
        return (urlsplit("//" + header).hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
