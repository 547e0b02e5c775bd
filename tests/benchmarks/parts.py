"""Packets in order of time -> a pcap or pcapng file; the same packets again, later and from others, to any length.

A copy costs little because all but two things in it stay as they are: the time of each record, and the client's four
octets, which change so that the sums of their two halves stay the same and with them every checksum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from io import RawIOBase
from itertools import repeat
from struct import Struct, pack
from typing import NamedTuple

PCAP, PCAPNG = "pcap", "pcapng"
MOST_COPIES = 255  # the client's second octet counts them
_SNAPSHOT_OCTETS = 262_144
_ETHERNET = 1
_RECORDS_A_WRITE = 16_384


class Record(NamedTuple):
    """A packet as it goes into a file: what never changes, and what does in a copy."""

    time_us: int
    lead: bytes  # before the time
    middle: bytes  # from there to the client's address
    client: bytes
    rest: bytes


class Form(NamedTuple):
    """A capture format: what a file begins with, the octets around a packet, and a time."""

    head: bytes
    around: Callable[[int], tuple[bytes, bytes, bytes]]  # of the packet's size: before the time, behind it, at the end
    stamp: Callable[[int], bytes]


_STAMP = Struct("<II").pack
_LENGTHS = Struct("<II").pack


def _pcap_around(size: int) -> tuple[bytes, bytes, bytes]:
    return b"", _LENGTHS(size, size), b""


def _pcap_stamp(time_us: int) -> bytes:
    return _STAMP(*divmod(time_us, 1_000_000))


def _pcapng_around(size: int) -> tuple[bytes, bytes, bytes]:
    padding = -size % 4
    total = 32 + size + padding
    return pack("<III", 6, total, 0), _LENGTHS(size, size), bytes(padding) + total.to_bytes(4, "little")


def _pcapng_stamp(time_us: int) -> bytes:
    return _STAMP(time_us >> 32, time_us & 0xFFFF_FFFF)


FORMS = {
    # draft-ietf-opsawg-pcap 4 and 5
    PCAP: Form(
        pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAPSHOT_OCTETS, _ETHERNET), _pcap_around, _pcap_stamp
    ),
    # draft-ietf-opsawg-pcapng 4.1, 4.2 and 4.3
    PCAPNG: Form(
        pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
        + pack("<IIHHII", 1, 20, _ETHERNET, 0, _SNAPSHOT_OCTETS, 20),
        _pcapng_around,
        _pcapng_stamp,
    ),
}  # fmt: skip


def record(form: Form, time_us: int, frame: bytes, client_at: int) -> Record:
    """A packet in a format."""
    lead, lengths, end = form.around(len(frame))
    return Record(
        time_us, lead, lengths + frame[:client_at], frame[client_at : client_at + 4], frame[client_at + 4 :] + end
    )


def other_client(client: bytes, copy: int) -> bytes:
    """The client's address in a copy: `copy` goes from the lower half to the upper, which no checksum notices."""
    number = int.from_bytes(client, "big")
    assert number & 0xFFFF >= copy
    return (number + (copy << 16) - copy).to_bytes(4, "big")


def copies(form: Form, records: Sequence[Record], count: int, period_us: int) -> Iterator[bytes]:
    """The octets of a file with `records` `count` times, each time `period_us` later; in pieces fit to be written."""
    yield form.head
    times = [item.time_us for item in records]
    clients = [item.client for item in records]
    everyone = sorted(set(clients))
    pieces = [piece for item in records for piece in (item.lead, b"", item.middle, b"", item.rest)]
    step = 5 * _RECORDS_A_WRITE
    for copy in range(count):
        shift = copy * period_us
        renamed = {client: other_client(client, copy) for client in everyone}
        pieces[1::5] = map(form.stamp, map(int.__add__, times, repeat(shift)))
        pieces[3::5] = map(renamed.__getitem__, clients)
        for at in range(0, len(pieces), step):
            yield b"".join(pieces[at : at + step])


def write(pieces: Iterable[bytes], out: RawIOBase) -> int:
    """Writes them; how many octets there were."""
    total = 0
    for piece in pieces:
        view = memoryview(piece)
        total += len(view)
        while view:
            view = view[out.write(view) or 0 :]
    return total
