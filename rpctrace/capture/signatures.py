"""The first octets of a file -> whether a capture begins there. One place, since a capture may follow another one."""

from __future__ import annotations

from struct import Struct

# draft-ietf-opsawg-pcap 4, as the octets stand in the file: (byte order, nanoseconds, "modified" records)
PCAP_MAGICS = {
    b"\xa1\xb2\xc3\xd4": (">", False, False),
    b"\xd4\xc3\xb2\xa1": ("<", False, False),
    b"\xa1\xb2\x3c\x4d": (">", True, False),
    b"\x4d\x3c\xb2\xa1": ("<", True, False),
    b"\xa1\xb2\xcd\x34": (">", False, True),
    b"\x34\xcd\xb2\xa1": ("<", False, True),
}
# draft-ietf-opsawg-pcapng 4.1: the block type reads the same in both byte orders, the byte-order magic follows at 8
PCAPNG_SECTION = b"\x0a\x0d\x0d\x0a"
PCAPNG_BYTE_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}

SIGNATURE_OCTETS = 24
_VERSION = {">": Struct(">HH"), "<": Struct("<HH")}


def starts_pcap(head: memoryview | bytes) -> bool:
    """A pcap file header: magic and a version 2.x; stricter than the magic alone, for use inside a file."""
    found = PCAP_MAGICS.get(bytes(head[:4]))
    if found is None or len(head) < SIGNATURE_OCTETS:
        return False
    major, minor = _VERSION[found[0]].unpack_from(head, 4)
    return bool(major == 2 and minor <= 4)


def starts_pcapng(head: memoryview | bytes) -> bool:
    """A pcapng section header: block type and byte-order magic."""
    return bytes(head[:4]) == PCAPNG_SECTION and bytes(head[8:12]) in PCAPNG_BYTE_ORDERS


def starts_capture(head: memoryview | bytes) -> bool:
    return starts_pcap(head) or starts_pcapng(head)


def find_capture(octets: memoryview | bytes, start: int, stop: int) -> int | None:
    """The first place from `start` to before `stop` where a pcap or pcapng file begins."""
    plain = bytes(octets[start : stop + SIGNATURE_OCTETS])
    best: int | None = None
    for signature in (*PCAP_MAGICS, PCAPNG_SECTION):
        end = len(plain) if best is None else best + len(signature) - 1
        at = plain.find(signature, 0, end)
        while 0 <= at < stop - start:
            if starts_capture(plain[at : at + SIGNATURE_OCTETS]):
                best = at
                break
            at = plain.find(signature, at + 1, end)
    return None if best is None else start + best
