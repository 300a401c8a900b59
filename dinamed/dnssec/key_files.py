"""Key pairs in files: BIND's (`K*.key` and `K*.private`), and PKCS #8 (PEM, DER)."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from dinamed.dnssec.algorithms import PrivateKey, algorithm_of
from dinamed.dnssec.keys import ZONE_KEY, Key, KeyFault, dnskey_text
from dinamed.dnssec.numbers import Algorithm
from dinamed.wire.names import BadName, WireName, from_text, to_text

_VERSION = "v1.3"
_TIME = "%Y%m%d%H%M%S"
_RECORD = re.compile(
    r"^(?P<zone>\S+)\s+(?:\d+\s+)?(?:IN\s+)?DNSKEY\s+"
    r"(?P<flags>\d+)\s+3\s+(?P<algorithm>\d+)\s+(?P<public>[A-Za-z0-9+/=\s]+)$",
    re.MULTILINE | re.IGNORECASE,
)
_RSA_FIELDS = (
    "Modulus",
    "PublicExponent",
    "PrivateExponent",
    "Prime1",
    "Prime2",
    "Exponent1",
    "Exponent2",
    "Coefficient",
)
TIMES = ("Created", "Publish", "Activate", "Inactive", "Delete")
"""The times of a key that its files carry, of those BIND knows."""


def file_stem(key: Key) -> str:
    """The name of its files without their endings: `Kexample.org.+013+12345`."""
    return f"K{to_text(key.zone).replace('/', '%2f')}{key.label}"


def public_text(key: Key, times: Mapping[str, float] | None = None) -> str:
    """The content of the `.key` file, with `times` (Unix time) in comments."""
    role = "key-signing" if key.secure_entry else "zone-signing"
    lines = [f"; This is a {role} key, keyid {key.tag}, for {to_text(key.zone)}"]
    lines += [f"; {name}: {_stamp(at)}" for name, at in (times or {}).items()]
    return "\n".join((*lines, dnskey_text(key.zone, key.dnskey), ""))


def private_text(key: Key, times: Mapping[str, float] | None = None) -> str:
    """The content of the `.private` file: the secret, and `times` (Unix time)."""
    lines = [
        f"Private-key-format: {_VERSION}",
        f"Algorithm: {int(key.algorithm)} ({key.algorithm.name})",
        *_secret_lines(key.private),
        *(f"{name}: {_stamp(at)}" for name, at in (times or {}).items()),
    ]
    return "\n".join((*lines, ""))


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime(_TIME)


def _secret_lines(private: PrivateKey) -> list[str]:
    if isinstance(private, ec.EllipticCurvePrivateKey):
        scalar = private.private_numbers().private_value
        return [f"PrivateKey: {_base64(scalar.to_bytes(32, 'big'))}"]
    if isinstance(private, ed25519.Ed25519PrivateKey):
        raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return [f"PrivateKey: {_base64(raw)}"]
    secret = private.private_numbers()
    public = secret.public_numbers
    exponents = (secret.dmp1, secret.dmq1, secret.iqmp)
    numbers = (public.n, public.e, secret.d, secret.p, secret.q, *exponents)
    return [
        f"{name}: {_base64(number.to_bytes((number.bit_length() + 7) // 8, 'big'))}"
        for name, number in zip(_RSA_FIELDS, numbers, strict=True)
    ]


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def read_private(text: str) -> tuple[PrivateKey, Algorithm, dict[str, float]]:
    """The secret in a `.private` file, its algorithm, and its times (Unix time).

    Raises `KeyFault`.
    """
    fields = {}
    for line in text.splitlines():
        name, separator, value = line.partition(":")
        if separator:
            fields[name.strip()] = value.strip()
    if not fields.get("Private-key-format", "").startswith("v1."):
        raise KeyFault("this is no private key in BIND's format")
    try:
        number = int(fields.get("Algorithm", "").split(" ", 1)[0])
        algorithm = Algorithm(number)
    except ValueError:
        said = fields.get("Algorithm", "none")
        raise KeyFault(f"algorithm {said!r} is not known here") from None
    try:
        private = _private(algorithm, fields)
        algorithm_of(private, algorithm)
    except KeyError as missing:
        raise KeyFault(f"the key has no {missing.args[0]}") from None
    except (ValueError, BadBase64) as error:
        raise KeyFault(f"the key is damaged: {error}") from None
    return private, algorithm, _times(fields)


def _private(algorithm: Algorithm, fields: Mapping[str, str]) -> PrivateKey:
    if algorithm in (Algorithm.RSASHA256, Algorithm.RSASHA512):
        n, e, d, p, q, dmp1, dmq1, iqmp = (
            int.from_bytes(b64decode(fields[name], validate=True), "big")
            for name in _RSA_FIELDS
        )
        public = rsa.RSAPublicNumbers(e, n)
        return rsa.RSAPrivateNumbers(p, q, d, dmp1, dmq1, iqmp, public).private_key()
    raw = b64decode(fields["PrivateKey"], validate=True)
    if len(raw) != 32:
        raise ValueError(f"{len(raw)} octets instead of 32")
    if algorithm is Algorithm.ED25519:
        return ed25519.Ed25519PrivateKey.from_private_bytes(raw)
    return ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())


def _times(fields: Mapping[str, str]) -> dict[str, float]:
    found = {}
    for name in TIMES:
        try:
            at = datetime.strptime(fields.get(name, ""), _TIME).replace(tzinfo=UTC)
        except ValueError:
            continue
        found[name] = at.timestamp()
    return found


def read_pair(public: str, private: str) -> tuple[Key, dict[str, float]]:
    """The key of a `.key` and a `.private` file, and its times (Unix time).

    Raises `KeyFault` when either is none, or when the two are not one pair.
    """
    secret, algorithm, times = read_private(private)
    record = _RECORD.search(public)
    if record is None:
        raise KeyFault("the .key file holds no DNSKEY record")
    try:
        zone = from_text(record["zone"]).lower()
        said = b64decode("".join(record["public"].split()), validate=True)
    except (BadName, BadBase64, ValueError) as error:
        raise KeyFault(f"the .key file is damaged: {error}") from None
    flags = int(record["flags"])
    if int(record["algorithm"]) != algorithm:
        raise KeyFault(
            f"algorithm {record['algorithm']} in the .key file, "
            f"{int(algorithm)} in the .private file"
        )
    if flags & ~1 != ZONE_KEY:
        raise KeyFault(f"a key with flags {flags} does not sign zones")
    key = Key(zone, flags, algorithm, secret)
    if key.dnskey[4:] != said:
        raise KeyFault("the .key and the .private file are not of one pair")
    return key, times


def read_pkcs8(zone: WireName, data: bytes, flags: int, wanted: int | None) -> Key:
    """The key in PEM or DER; `wanted` tells the hash of an RSA key.

    Raises `KeyFault`.
    """
    try:
        load = load_pem_private_key if b"-----" in data else load_der_private_key
        private = load(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFault(f"this is no private key: {error}") from None
    if not isinstance(private, PrivateKey):
        raise KeyFault("a key of a kind that does not sign zones")
    try:
        return Key(zone.lower(), flags, algorithm_of(private, wanted), private)
    except ValueError as error:
        raise KeyFault(str(error)) from None


def pkcs8_text(key: Key) -> str:
    """The secret in PEM (PKCS #8)."""
    return key.private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    ).decode()
