"""From what was read of a connection to replies: as over UDP, with three differences.

A reply may be as long as a stream allows; what Python answers comes back later and out
of order (RFC 7766 section 6.2.1.1); and a connection that may get a long reply passes to
Python as a whole.
"""

from libc.stdint cimport uint32_t, uint8_t
from dinamed.plane.answer cimport answer
from dinamed.plane.reply cimport DROP, PUNT_FOR_PLAN
from dinamed.plane.connection cimport (
    LONGEST_FRAME,
    MOST_PENDING,
    Connection,
    append,
    drop_first,
    have_room,
    holds_frame,
    send_or_keep,
)
from dinamed.plane.octets cimport get16, put16
from dinamed.plane.posix cimport plane_add, plane_source
from dinamed.plane.query cimport TYPE_AXFR, TYPE_IXFR
from dinamed.plane.ring cimport push
from dinamed.plane.samples cimport sample
from dinamed.plane.stream_thread cimport (
    OUTPUT_SIZE,
    READ_SIZE,
    StreamThread,
    abort_one,
    settle,
    used_now,
)
from dinamed.plane.tcp cimport MSG_DONTWAIT, read, recv, tcp_again
from dinamed.plane.worker cimport HANDED_PROBE, Worker, probe_of


cdef inline bint is_transfer(const uint8_t *data, uint32_t size) noexcept nogil:
    """Whether a message asks for a whole zone, so that the reply may be long."""
    cdef uint32_t at = 12, rrtype
    while at < size and data[at]:
        if data[at] > 63:
            return False
        at += 1 + data[at]
    if at + 5 > size:
        return False
    rrtype = get16(data + at + 1)
    return rrtype == TYPE_AXFR or rrtype == TYPE_IXFR


cdef inline bint hand_over(
    StreamThread *thread, Connection *one, const uint8_t *data, uint32_t size,
    uint32_t learn,
) noexcept nogil:
    """Leave a message to Python; False if it has to wait, and so what follows."""
    if is_transfer(data, size):
        one.leaving = True
        return False
    if not push(
        thread.worker.ring, &one.name, one.name_size, NULL, 0, data, size, one.index,
        one.serial, learn,
    ):
        one.waits = thread.waiting = True
        return False
    if learn != HANDED_PROBE:
        plane_add(&thread.worker.handed, 1)
    one.pending += 1
    thread.pushed = True
    return True


cdef inline uint32_t serve_frame(
    StreamThread *thread, Connection *one, const uint8_t *data, uint32_t size,
    uint8_t *out, uint32_t *written,
) noexcept nogil:
    """Answer one message, if it can be; whether that is done with."""
    cdef Worker *worker = thread.worker
    cdef int found = answer(thread.tables, &thread.request, data, size, out + 2)
    cdef int probe = -1
    written[0] = 0
    if found == DROP:
        probe = probe_of(thread.shared, data, size, out + 2)
    if probe >= 0:  # our own, which counts nowhere
        put16(out, <uint32_t>probe)
        written[0] = 2 + <uint32_t>probe if probe else 0
        return probe or hand_over(thread, one, data, size, HANDED_PROBE)
    if found > 0:
        put16(out, <uint32_t>found)
        written[0] = 2 + <uint32_t>found
        plane_add(&worker.answered, 1)
        plane_add(&worker.rcodes[out[5] & 15], 1)
        sample(
            &thread.samplers, &worker.rng, &one.name, True, data, size, out + 2,
            <uint32_t>found, thread.request.ticks,
        )
    elif found == DROP:
        # What is not answered is no query: nothing good can follow it.
        one.deaf = True
        plane_add(&worker.silent, 1)
    elif not hand_over(
        thread, one, data, size,
        <uint32_t>(PUNT_FOR_PLAN + 1 - found) if found <= PUNT_FOR_PLAN else 0,
    ):
        return False
    plane_add(&worker.queries, 1)
    return True


cdef inline int serve_frames(
    StreamThread *thread, Connection *one, const uint8_t *octets, uint32_t size
) noexcept nogil:
    """Answer the whole messages that stand in front, as far as that may be now.

    How many octets these are; -1 if the connection is broken.
    """
    cdef uint32_t at = 0, length, used = 0, written
    thread.request.size = plane_source(&one.name, &thread.request.address)
    while holds_frame(octets + at, size - at):
        if one.deaf or one.leaving or one.pending >= MOST_PENDING:
            break
        if used + LONGEST_FRAME > OUTPUT_SIZE:
            if not send_or_keep(one, thread.output, used):
                return -1
            used = 0
            if one.unsent.size:
                break
        length = get16(octets + at)
        if not serve_frame(
            thread, one, octets + at + 2, length, thread.output + used, &written
        ):
            break
        used += written
        at += 2 + length
    if used and not send_or_keep(one, thread.output, used):
        return -1
    if at:
        used_now(thread, one)
    return <int>at


cdef inline void go_on(StreamThread *thread, Connection *one) noexcept nogil:
    """Answer what was read and had to wait, if it need not any longer."""
    cdef int done = 0
    one.waits = False
    if one.unread.size and not one.unsent.size:
        done = serve_frames(thread, one, one.unread.octets, one.unread.size)
        if done < 0:
            abort_one(thread, one)
            return
        drop_first(&one.unread, <uint32_t>done)
    settle(thread, one)


cdef inline void read_some(StreamThread *thread, Connection *one) noexcept nogil:
    """Read once, and answer what is whole."""
    cdef uint8_t *octets = thread.input
    cdef uint32_t room = READ_SIZE
    cdef ssize_t got
    cdef int done
    if one.unread.size:
        if not have_room(&one.unread, one.unread.size + 2048):
            abort_one(thread, one)
            return
        octets = one.unread.octets + one.unread.size
        room = one.unread.room - one.unread.size
    got = recv(one.fd, octets, room, MSG_DONTWAIT)
    if got < 0:
        if tcp_again():
            settle(thread, one)
        else:
            abort_one(thread, one)
        return
    if not got:
        one.eof = True
        settle(thread, one)
        return
    if one.unread.size:
        one.unread.size += <uint32_t>got
        go_on(thread, one)
        return
    done = serve_frames(thread, one, octets, <uint32_t>got)
    if done < 0 or (
        not one.deaf
        and not append(&one.unread, octets + done, <uint32_t>got - <uint32_t>done)
    ):
        abort_one(thread, one)
        return
    settle(thread, one)
