"""The addresses of a network interface, by its name."""

import ctypes
import ctypes.util
import socket
from collections.abc import Iterator
from ctypes import POINTER, Structure, c_char_p, c_uint, c_uint16, c_void_p


class _SockAddr(Structure):
    _fields_ = (("family", c_uint16),)


class _IfAddrs(Structure):
    """`struct ifaddrs`; see getifaddrs(3)."""


_IfAddrs._fields_ = (
    ("next", POINTER(_IfAddrs)),
    ("name", c_char_p),
    ("flags", c_uint),
    ("address", POINTER(_SockAddr)),
    ("netmask", c_void_p),
    ("other", c_void_p),
    ("data", c_void_p),
)
_OFFSETS = {socket.AF_INET: (4, 4), socket.AF_INET6: (8, 16)}
"""Where an address stands in its `sockaddr`, and how long it is."""


def is_interface(name: str) -> bool:
    """Whether there is an interface of that name."""
    try:
        socket.if_nametoindex(name)
    except (OSError, ValueError):
        return False
    return True


def addresses_of(name: str) -> list[tuple[socket.AddressFamily, str]]:
    """The IPv4 and IPv6 addresses of an interface; those of its link have a scope.

    Raises `OSError`.
    """
    library = ctypes.CDLL(None, use_errno=True)
    first = POINTER(_IfAddrs)()
    if library.getifaddrs(ctypes.byref(first)):
        number = ctypes.get_errno()
        raise OSError(number, "the interfaces can't be listed")
    try:
        return list(_addresses(first, name))
    finally:
        library.freeifaddrs(first)


def _addresses(
    entry: "ctypes._Pointer[_IfAddrs]", name: str
) -> Iterator[tuple[socket.AddressFamily, str]]:
    while entry:
        one = entry.contents
        entry = one.next
        if one.name != name.encode() or not one.address:
            continue
        family = one.address.contents.family
        if family not in _OFFSETS:
            continue
        offset, size = _OFFSETS[family]
        start = ctypes.addressof(one.address.contents) + offset
        packed = ctypes.string_at(start, size)
        text = socket.inet_ntop(family, packed)
        if family == socket.AF_INET6 and packed[0] == 0xFE and packed[1] & 0xC0 == 0x80:
            text += f"%{name}"
        yield socket.AddressFamily(family), text
