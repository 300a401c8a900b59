"""Numbers of DNSSEC by their names; what reads a config needs no more of it."""

from enum import IntEnum


class Algorithm(IntEnum):
    """DNS security algorithm numbers; RSA keys are taken, but not made."""

    RSASHA256 = 8
    RSASHA512 = 10
    ECDSAP256SHA256 = 13
    ED25519 = 15
