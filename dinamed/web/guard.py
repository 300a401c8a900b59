"""Who may change things over HTTP."""

import hmac
import ipaddress
import os
import stat
from urllib.parse import urlsplit

from twisted.web.http import Request


class Guard:
    """Allows changes to holders of the token; without a token, to loopback only.

    `token_file` is read anew for each request, so that a token can be changed.
    """

    def __init__(self, token_file: str | None) -> None:
        self._token_file = token_file

    def objection(self, request: Request) -> tuple[int, str] | None:
        """None if the request may change things, else the HTTP status and why not."""
        if self._token_file is None:
            return self._not_local(request)
        try:
            token = read_token(self._token_file)
        except (OSError, ValueError) as error:
            return 503, f"the token file is not usable: {error}"
        given = request.getHeader("authorization") or ""
        scheme, _, credentials = given.partition(" ")
        if scheme.lower() != "bearer":
            return 401, "needs Authorization: Bearer TOKEN"
        if not hmac.compare_digest(credentials.strip().encode(), token):
            return 403, "wrong token"
        return None

    @staticmethod
    def _not_local(request: Request) -> tuple[int, str] | None:
        """Only a program on this host, and no page that a browser here has open."""
        if not _is_loopback(request.getClientAddress().host):
            return 403, "without a token file only loopback may change things"
        host = urlsplit("//" + (request.getHeader("host") or "")).hostname or ""
        if host != "localhost" and not _is_loopback(host):
            return 403, "the Host header does not name this host"
        origin = request.getHeader("origin")
        if origin is not None and urlsplit(origin).hostname != host:
            return 403, "asked for by a page of another origin"
        return None


def read_token(path: str) -> bytes:
    """The token in a file.  Raises `OSError`, or `ValueError` if it is no secret."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
            raise ValueError("it can be read by everybody")
        token = file.read(4096).strip()
    if not token:
        raise ValueError("it is empty")
    return token


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
