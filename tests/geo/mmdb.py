"""Makes MaxMind DB files of few networks, byte by byte, good and bad ones."""

import struct
from collections.abc import Mapping
from ipaddress import ip_network

MARKER = b"\xab\xcd\xefMaxMind.com"

_KINDS = {"node_count": 6, "build_epoch": 9}  # the other numbers are of 16 bits

# A node is a list of two: each a node, a record's number, or None for nothing there.
Node = list["Node | int | None"]


def database(
    networks: Mapping[str, object],
    *,
    ip_version: int = 6,
    record_size: int = 24,
    **metadata: object,
) -> bytes:
    """A file with these records; longer prefixes win.  IPv4 goes below ::/96."""
    records: list[object] = []
    root: Node = [None, None]
    found = {ip_network(text): record for text, record in networks.items()}
    for network in sorted(found, key=lambda one: (one.version, one.prefixlen)):
        bits = f"{int(network.network_address):0{network.max_prefixlen}b}"
        bits = bits[: network.prefixlen]
        if ip_version == 6 and network.version == 4:
            bits = "0" * 96 + bits
        records.append(found[network])
        _insert(root, bits, len(records) - 1)
    nodes = _numbered(root)
    data, places = b"", []
    for record in records:
        places.append(len(data))
        data += encoded(record)
    told = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1700000000,
        "database_type": "Test-City",
        "description": {"en": "made for a test"},
        "ip_version": ip_version,
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": record_size,
        **metadata,
    }
    tree = _tree(nodes, places, record_size)
    return tree + bytes(16) + data + MARKER + _metadata(told)


def _metadata(told: dict[str, object]) -> bytes:
    parts = [
        encoded(key) + encoded(value, _KINDS.get(key, 5)) for key, value in told.items()
    ]
    return _head(7, len(parts)) + b"".join(parts)


def _insert(node: Node, bits: str, record: int) -> None:
    for bit in map(int, bits[:-1]):
        child = node[bit]
        if not isinstance(child, list):
            child = node[bit] = [child, child]
        node = child
    node[int(bits[-1])] = record


def _numbered(root: Node) -> list[Node]:
    nodes = [root]
    for node in nodes:
        nodes += [child for child in node if isinstance(child, list)]
    return nodes


def _tree(nodes: list[Node], places: list[int], record_size: int) -> bytes:
    number = {id(node): at for at, node in enumerate(nodes)}
    count = len(nodes)
    tree = b""
    for node in nodes:
        left, right = (
            number[id(child)]
            if isinstance(child, list)
            else count
            if child is None
            else count + 16 + places[child]
            for child in node
        )
        tree += _pair(left, right, record_size)
    return tree


def _pair(left: int, right: int, record_size: int) -> bytes:
    if record_size == 28:
        middle = (left >> 24) << 4 | right >> 24
        low = 0xFFFFFF
        return (left & low).to_bytes(3) + bytes((middle,)) + (right & low).to_bytes(3)
    size = record_size // 8
    return left.to_bytes(size) + right.to_bytes(size)


def encoded(value: object, kind: int = 6) -> bytes:
    """One value of the data section; whole numbers are of this kind."""
    match value:
        case bool():
            return _head(14, int(value))
        case str():
            text = value.encode()
            return _head(2, len(text)) + text
        case float():
            return _head(3, 8) + struct.pack(">d", value)
        case int():
            octets = value.to_bytes((value.bit_length() + 7) // 8)
            return _head(kind, len(octets)) + octets
        case dict():
            parts = [encoded(key) + encoded(one) for key, one in value.items()]
            return _head(7, len(parts)) + b"".join(parts)
        case list():
            return _head(11, len(value)) + b"".join(map(encoded, value))
    raise TypeError(f"no way to write {value!r}")


def _head(kind: int, size: int) -> bytes:
    assert size < 285, "long values are not needed here"
    short = min(size, 29)
    first = bytes((kind << 5 | short,)) if kind < 8 else bytes((short, kind - 7))
    return first + (bytes((size - 29,)) if short == 29 else b"")
