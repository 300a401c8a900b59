"""Reading a query: `dinamed.wire` in C, as far as queries are plain.

Whatever is not plain is left to the Python engine, so that it is judged in one place.
"""

from libc.stdint cimport uint8_t, uint32_t
from dinamed.plane.octets cimport get16

cdef enum:
    TYPE_A = 1
    TYPE_NS = 2
    TYPE_CNAME = 5
    TYPE_SOA = 6
    TYPE_PTR = 12
    TYPE_MX = 15
    TYPE_AAAA = 28
    TYPE_SRV = 33
    TYPE_OPT = 41
    TYPE_DS = 43
    TYPE_RRSIG = 46
    TYPE_NSEC = 47
    TYPE_IXFR = 251
    TYPE_AXFR = 252
    TYPE_ANY = 255

    OPTION_NSID = 3
    OPTION_SUBNET = 8
    OPTION_COOKIE = 10
    OPTION_KEEPALIVE = 11
    OPTION_ERROR = 15

    PLAIN_MAX = 512
    EDNS_MAX = 1232
    STREAM_MAX = 65535
    CLASS_IN = 1
    CLASS_CH = 3
    MOST_LABELS = 128


cdef struct ParsedQuery:
    const uint8_t *data
    uint32_t size       # octets of the name
    uint32_t end        # where the question ends in `data`
    uint32_t labels     # without the root's
    uint32_t type
    bint chaos          # of class CH, not IN
    uint32_t flags
    uint32_t limit      # octets that a reply may have
    bint edns
    bint do
    bint nsid
    bint keepalive      # whether to tell how long a stream may be idle
    uint32_t family     # of the client subnet: 1 IPv4, 2 IPv6, 0 none was sent
    uint32_t prefix     # its length in bits
    uint32_t cookie_size  # 0: none was sent, or cookies are off
    const uint8_t *cookie
    uint8_t reply_cookie[24]
    uint8_t address[16] # filled up with zeros
    uint8_t at[MOST_LABELS]  # where each label starts in `key`, the root's last
    uint8_t key[256]    # the name in lower case


cdef enum Screening:
    ACCEPT
    NOT_PLAIN  # for the Python engine
    IGNORE


cdef inline Screening read_subnet(
    ParsedQuery *query, const uint8_t *data, uint32_t size
) noexcept nogil:
    cdef uint32_t family, prefix, octets, i
    if size < 4 or query.family:
        return NOT_PLAIN
    family = get16(data)
    prefix = data[2]
    if family != 1 and family != 2:
        return NOT_PLAIN
    if prefix > (<uint32_t>32 if family == 1 else <uint32_t>128) or data[3]:
        return NOT_PLAIN
    octets = (prefix + 7) >> 3
    if size != 4 + octets:
        return NOT_PLAIN
    if prefix & 7 and data[3 + octets] & (0xFF >> (prefix & 7)):
        return NOT_PLAIN
    query.family = family
    query.prefix = prefix
    for i in range(16):
        query.address[i] = data[4 + i] if i < octets else 0
    return ACCEPT


cdef inline Screening read_options(
    ParsedQuery *query, const uint8_t *at, uint32_t size
) noexcept nogil:
    """The options of an OPT record of version 0."""
    cdef uint32_t code, length, offset = 0
    while offset < size:
        if offset + 4 > size:
            return NOT_PLAIN
        code = get16(at + offset)
        length = get16(at + offset + 2)
        offset += 4
        if offset + length > size:
            return NOT_PLAIN
        if code == OPTION_NSID:
            query.nsid = True
        elif code == OPTION_SUBNET:
            if read_subnet(query, at + offset, length) != ACCEPT:
                return NOT_PLAIN
        elif code == OPTION_COOKIE:
            if length != 8 and (length < 16 or length > 40):
                return NOT_PLAIN
            if not query.cookie_size:
                query.cookie = at + offset
                query.cookie_size = length
        elif code == OPTION_KEEPALIVE:
            query.keepalive = True
        offset += length
    return ACCEPT


cdef inline Screening read_opt(
    ParsedQuery *query, const uint8_t *at, uint32_t size
) noexcept nogil:
    """The additional section, where it is one OPT record and nothing follows."""
    cdef uint32_t limit
    if size < 11 or at[0] or get16(at + 1) != TYPE_OPT or at[6]:
        return NOT_PLAIN  # also for EDNS versions other than 0
    if get16(at + 9) + 11 != size:
        return NOT_PLAIN
    limit = get16(at + 3)
    if limit > PLAIN_MAX:
        query.limit = limit if limit < EDNS_MAX else <uint32_t>EDNS_MAX
    query.edns = True
    query.do = at[7] >> 7
    return read_options(query, at + 11, size - 11)


cdef inline Screening read_query(
    ParsedQuery *query, const uint8_t *data, uint32_t size
) noexcept nogil:
    """Screen and read one message, which has to have 12 octets or more to count."""
    cdef uint32_t end, length, i, labels, more
    cdef uint8_t octet
    if size < 12 or data[2] & 0x80:
        return IGNORE
    if data[2] & 0x78 or get16(data + 4) != 1 or get16(data + 6) or get16(data + 8):
        return NOT_PLAIN  # another opcode, or other counts than those of a query
    more = get16(data + 10)
    if more > 1:
        return NOT_PLAIN
    end = 12
    labels = 0
    while True:
        if end >= size:
            return NOT_PLAIN
        length = data[end]
        if labels < MOST_LABELS:
            query.at[labels] = <uint8_t>(end - 12)
        if length == 0:
            break
        if length > 63 or labels == MOST_LABELS - 1:
            return NOT_PLAIN
        end += 1 + length
        if end - 12 > 254:
            return NOT_PLAIN
        labels += 1
    end += 1
    if end + 4 > size:
        return NOT_PLAIN
    query.chaos = get16(data + end + 2) == CLASS_CH
    if not query.chaos and get16(data + end + 2) != CLASS_IN:
        return NOT_PLAIN
    query.data = data
    query.size = end - 12
    query.labels = labels
    for i in range(query.size):
        octet = data[12 + i]
        query.key[i] = octet + 32 if <uint8_t>(octet - 65) < 26 else octet
    query.type = get16(data + end)
    query.end = end + 4
    query.flags = get16(data + 2)
    query.limit = PLAIN_MAX
    query.edns = query.do = query.nsid = query.keepalive = False
    query.family = query.cookie_size = 0
    if more:
        return read_opt(query, data + end + 4, size - end - 4)
    return ACCEPT if query.end == size else NOT_PLAIN
