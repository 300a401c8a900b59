"""Binding: from the interfaces an operator names to bound, non-blocking sockets."""

import errno
import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dinamed.server.interfaces import addresses_of, is_interface

RECEIVE_BUFFER = 4 << 20
"""Octets of UDP queue asked of the kernel, so that a short pause loses nothing."""
BACKLOG = 512
TLS_PORT = 853  # RFC 7858 section 3.1
_IP_FREEBIND = 15  # linux/in.h, for both families
_IP_PKTINFO = 8  # linux/in.h; the socket module has no name for it in Python 3.11


class BindError(Exception):
    """An interface cannot be used; the message is meant for the operator."""


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """One address to listen on."""

    host: str
    port: int
    family: socket.AddressFamily

    def __str__(self) -> str:
        host = f"[{self.host}]" if self.family == socket.AF_INET6 else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Listening:
    """The bound sockets of one address.

    `others` share the UDP port with `udp`, and `tcp_others` the TCP port with `tcp`:
    the kernel spreads clients over them.
    """

    address: ListenAddress
    udp: socket.socket
    tcp: socket.socket
    others: tuple[socket.socket, ...] = ()
    tcp_others: tuple[socket.socket, ...] = ()

    @property
    def wildcard(self) -> bool:
        """Whether the reply must be told which address to come from."""
        return ipaddress.ip_address(self.address.host.partition("%")[0]).is_unspecified

    def close(self) -> None:
        """Close all sockets."""
        for sock in (self.udp, self.tcp, *self.others, *self.tcp_others):
            sock.close()


def is_local(address: str) -> bool:
    """Whether an address is one of this host, by whether it can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def split_interface(text: str, default_port: int) -> tuple[str, int]:
    """Split `HOST`, `HOST:PORT`, `ADDRESS6` or `[ADDRESS6]:PORT`.

    Raises `BindError` for other text.
    """
    host, port = text, str(default_port)
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise BindError(f"{text!r} is not an interface")
        port = rest[1:] or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise BindError(f"{text!r} is not an interface")
    return host, int(port)


def everywhere() -> tuple[str, ...]:
    """The wildcard addresses of the families that this system has."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::", 0))  # where it is switched off this fails, and not before
    except OSError:
        return ("0.0.0.0",)
    return ("0.0.0.0", "::")


def resolve(interfaces: Iterable[str], default_port: int) -> list[ListenAddress]:
    """The addresses of interfaces: literals, and all addresses of network interfaces
    and of host names.

    Raises `BindError` for a name that has none.
    """
    found: dict[ListenAddress, None] = {}
    for text in interfaces:
        host, port = split_interface(text, default_port)
        if is_interface(host):
            there = addresses_of(host)
            if not there:
                raise BindError(f"the interface {host} has no address")
            found.update(
                (ListenAddress(one, port, family), None) for family, one in there
            )
            continue
        try:
            results = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, ValueError) as error:
            # A name that cannot be one, as with an empty label, is a ValueError.
            reason = error.strerror if isinstance(error, OSError) else "not a name"
            raise BindError(f"unknown interface {text!r}: {reason}") from None
        for family, _, _, _, sockaddr in results:
            if family in (socket.AF_INET, socket.AF_INET6):
                name = str(sockaddr[0])
                if len(sockaddr) == 4 and sockaddr[3] and "%" not in name:
                    name += f"%{sockaddr[3]}"
                found[ListenAddress(name, port, family)] = None
    return list(found)


Stream = tuple[ListenAddress, socket.socket]


def nothing(address: ListenAddress) -> None:
    """Answer that there is no socket of that address yet."""


def bind(
    addresses: Iterable[ListenAddress],
    shares: int = 1,
    there: Callable[[ListenAddress], Listening | None] = nothing,
    freebind: bool = False,
) -> list[Listening]:
    """Bind UDP and TCP on every address, or none: all sockets close on failure.

    `shares` is how many sockets each address gets for UDP, and for TCP.  What is
    `there` is not bound.  With `freebind` addresses may be bound that this host has
    not got yet.

    Raises `BindError`.
    """
    bound: list[Listening] = []
    try:
        for address in addresses:
            bound.append(there(address) or _bind_one(address, shares, freebind))
    except BindError:
        for listening in bound:
            listening.close()
        raise
    return bound


def bind_tls(
    interfaces: Iterable[str],
    there: Callable[[ListenAddress], Stream | None] = nothing,
    freebind: bool = False,
) -> list[Stream]:
    """Bind TCP on the addresses of interfaces, or none; the port is 853 if not given.

    Raises `BindError`.
    """
    bound: list[Stream] = []
    try:
        for interface in interfaces:
            bound += bind_http(interface, TLS_PORT, there, freebind)
    except BindError:
        for _, sock in bound:
            sock.close()
        raise
    return bound


def bind_http(
    interface: str,
    default_port: int = 0,
    there: Callable[[ListenAddress], Stream | None] = nothing,
    freebind: bool = False,
) -> list[Stream]:
    """Bind TCP on the addresses of an interface with a port, or none.

    What is `there` is not bound.

    Raises `BindError`.
    """
    bound: list[Stream] = []
    try:
        for address in resolve((interface,), default_port):
            bound.append(there(address) or _bind_stream(address, freebind))
    except BindError:
        for _, sock in bound:
            sock.close()
        raise
    return bound


def _bind_stream(address: ListenAddress, freebind: bool) -> Stream:
    sock = _socket(address, socket.SOCK_STREAM, freebind=freebind)
    try:
        _listen(sock, address)
    except BindError:
        sock.close()
        raise
    port = sock.getsockname()[1]
    return ListenAddress(address.host, port, address.family), sock


def _bind_one(address: ListenAddress, shares: int, freebind: bool) -> Listening:
    # TCP comes first and is not shared: so a server that is there already is noticed.
    tcp = [_socket(address, socket.SOCK_STREAM, freebind=freebind)]
    # With port 0 both transports get the port that TCP was given.
    found = ListenAddress(address.host, tcp[0].getsockname()[1], address.family)
    udp: list[socket.socket] = []
    try:
        if shares > 1:  # from here on others may share it
            tcp[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        for _ in range(shares):
            udp.append(_socket(found, socket.SOCK_DGRAM, shares > 1, freebind))
        for _ in range(1, shares):
            tcp.append(_socket(found, socket.SOCK_STREAM, True, freebind))
        for sock in tcp:
            _listen(sock, found)
    except BindError:
        for sock in (*tcp, *udp):
            sock.close()
        raise
    return Listening(found, udp[0], tcp[0], tuple(udp[1:]), tuple(tcp[1:]))


def _listen(sock: socket.socket, address: ListenAddress) -> None:
    try:
        sock.listen(BACKLOG)
    except OSError as error:
        raise _cannot(address, "TCP", error) from None


def _cannot(address: ListenAddress, transport: str, error: OSError) -> BindError:
    reason = error.strerror or error
    return BindError(f"cannot listen on {address} ({transport}): {reason}")


def _socket(
    address: ListenAddress,
    kind: socket.SocketKind,
    shared: bool = False,
    freebind: bool = False,
) -> socket.socket:
    sock: socket.socket | None = None
    try:
        sock = socket.socket(address.family, kind)
        sock.setblocking(False)
        _set_options(sock, address, kind)
        if freebind:
            sock.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        info = socket.getaddrinfo(
            address.host, address.port, address.family, kind, 0, socket.AI_NUMERICHOST
        )
        sock.bind(info[0][4])
    except OSError as error:
        if sock is not None:
            sock.close()
        transport = "TCP" if kind == socket.SOCK_STREAM else "UDP"
        cannot = _cannot(address, transport, error)
        if error.errno == errno.EADDRNOTAVAIL and not freebind:
            hint = "with freebind = true in [server] it may come later"
            raise BindError(f"{cannot}; {hint}") from None
        raise cannot from None
    return sock


def _set_options(
    sock: socket.socket, address: ListenAddress, kind: socket.SocketKind
) -> None:
    v6 = address.family == socket.AF_INET6
    if v6:
        # Else `::` takes IPv4 too, and 0.0.0.0 on the same port cannot be bound.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit this: a reply does not wait for more of them.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    if ipaddress.ip_address(address.host.partition("%")[0]).is_unspecified:
        if v6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
