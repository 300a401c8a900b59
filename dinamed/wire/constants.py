"""Numbers of the protocol, by the names the IANA registries give them."""

from enum import IntEnum

CLASS_IN = 1
CLASS_CH = 3
CLASS_ANY = 255

HEADER_SIZE = 12
MAX_UDP_PLAIN = 512  # RFC 1035 section 4.2.1: without EDNS
MAX_UDP_EDNS = 1232  # DNS flag day 2020: what we offer and the most we send over UDP
MAX_STREAM = 65535

FLAG_QR = 0x8000
FLAG_AA = 0x0400
FLAG_TC = 0x0200
FLAG_RD = 0x0100
FLAG_CD = 0x0010
COPIED_FLAGS = FLAG_RD | FLAG_CD  # from the query to the reply

EDNS_DO = 0x8000


class Opcode(IntEnum):
    """RFC 6895 section 2.2."""

    QUERY = 0
    NOTIFY = 4
    UPDATE = 5


class Rcode(IntEnum):
    """RFC 6895 section 2.3; those above 15 need EDNS."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    YXDOMAIN = 6
    YXRRSET = 7
    NXRRSET = 8
    NOTAUTH = 9
    NOTZONE = 10
    BADVERS = 16
    BADCOOKIE = 23


class Type(IntEnum):
    """The types that dinamed itself has rules for; all others are data."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    HINFO = 13
    MX = 15
    TXT = 16
    AAAA = 28
    SRV = 33
    DNAME = 39
    OPT = 41
    DS = 43
    RRSIG = 46
    NSEC = 47
    DNSKEY = 48
    NSEC3 = 50
    NSEC3PARAM = 51
    CDS = 59
    CDNSKEY = 60
    SVCB = 64
    HTTPS = 65
    TSIG = 250
    IXFR = 251
    AXFR = 252
    MAILB = 253
    MAILA = 254
    ANY = 255


class EdnsOption(IntEnum):
    """EDNS option codes with a meaning here."""

    NSID = 3
    CLIENT_SUBNET = 8
    COOKIE = 10
    TCP_KEEPALIVE = 11
    PADDING = 12
    EXTENDED_ERROR = 15


class ExtendedError(IntEnum):
    """RFC 8914 section 4."""

    NOT_READY = 14
    PROHIBITED = 18
    NOT_AUTHORITATIVE = 20
    NOT_SUPPORTED = 21
    INVALID_DATA = 24
