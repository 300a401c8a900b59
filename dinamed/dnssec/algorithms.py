"""The signature algorithms: private keys, and what DNSKEY and RRSIG hold of them."""

from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dinamed.dnssec.numbers import Algorithm

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
Sign = Callable[[bytes], bytes]
"""From octets to their signature, as RRSIG holds it."""

_SCALAR = 32
"""Octets of a number of the curve P-256."""
_MIN_RSA, _MAX_RSA = 1024, 4096
"""Bits of RSA keys that are taken (RFC 3110 allows more; validators need not)."""


def generate(algorithm: Algorithm) -> PrivateKey:
    """A new key.  Raises `ValueError` for algorithms that are only taken."""
    if algorithm is Algorithm.ECDSAP256SHA256:
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm is Algorithm.ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    raise ValueError(f"no keys of {algorithm.name} are made here")


def algorithm_of(private: PrivateKey, wanted: int | None = None) -> Algorithm:
    """The algorithm of a key; `wanted` tells the hash of an RSA key.

    Raises `ValueError` when the key is of no algorithm that is known here, or of
    another one than `wanted`.
    """
    found: Algorithm
    if isinstance(private, ec.EllipticCurvePrivateKey):
        if not isinstance(private.curve, ec.SECP256R1):
            raise ValueError(f"the curve {private.curve.name} is not known here")
        found = Algorithm.ECDSAP256SHA256
    elif isinstance(private, ed25519.Ed25519PrivateKey):
        found = Algorithm.ED25519
    else:
        if not _MIN_RSA <= private.key_size <= _MAX_RSA:
            raise ValueError(
                f"an RSA key of {private.key_size} bits; "
                f"{_MIN_RSA} to {_MAX_RSA} are taken"
            )
        is_512 = wanted == Algorithm.RSASHA512
        found = Algorithm.RSASHA512 if is_512 else Algorithm.RSASHA256
    if wanted is not None and wanted != found:
        raise ValueError(f"the key is of algorithm {found}, not {wanted}")
    return found


def public_octets(private: PrivateKey) -> bytes:
    """The public key as DNSKEY holds it (RFC 3110, RFC 6605, RFC 8080)."""
    if isinstance(private, ec.EllipticCurvePrivateKey):
        point = private.public_key().public_numbers()
        return point.x.to_bytes(_SCALAR, "big") + point.y.to_bytes(_SCALAR, "big")
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    numbers = private.public_key().public_numbers()
    exponent, modulus = _shortest(numbers.e), _shortest(numbers.n)
    if len(exponent) < 256:
        return bytes((len(exponent),)) + exponent + modulus
    return b"\0" + len(exponent).to_bytes(2, "big") + exponent + modulus


def _shortest(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def signer_of(private: PrivateKey, algorithm: Algorithm) -> Sign:
    """The signer of a key.  The same octets always give the same signature.

    ECDSA takes its secret number from the key and the octets (RFC 6979), so that all
    servers with the key give the same answers.
    """
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign
    if isinstance(private, rsa.RSAPrivateKey):
        is_512 = algorithm is Algorithm.RSASHA512
        digest = hashes.SHA512() if is_512 else hashes.SHA256()
        return lambda data: private.sign(data, padding.PKCS1v15(), digest)
    scheme = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)

    def sign(data: bytes) -> bytes:
        r, s = utils.decode_dss_signature(private.sign(data, scheme))
        return r.to_bytes(_SCALAR, "big") + s.to_bytes(_SCALAR, "big")

    return sign
