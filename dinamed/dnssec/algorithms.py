"""The signature algorithms of DNSSEC that are known here."""

from enum import IntEnum


class Algorithm(IntEnum):
    """DNS security algorithm numbers; RSA keys are taken, but not made."""

    RSASHA256 = 8
    RSASHA512 = 10
    ECDSAP256SHA256 = 13
    ED25519 = 15
