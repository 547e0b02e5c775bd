"""pcapng files (draft-ietf-opsawg-pcapng) -> frames: sections in either byte order, each with interfaces of its own.

Frame numbers are Wireshark's, which also counts custom, journal and system call blocks: they are frames without a
packet. A block that lies about its length is stepped over to the next one whose two lengths agree; a wrong field inside
a block costs at most that block.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from rpctrace.capture.format import MAXIMUM_HOST_NAMES, MAXIMUM_RECORD_OCTETS, Notes, ReadOptions, Source
from rpctrace.capture.frame import Frame, LinkType
from rpctrace.encoding.text import decode_text
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.errors import CaptureError

SECTION = 0x0A0D0D0A
INTERFACE, OLD_PACKET, SIMPLE_PACKET, NAMES, STATISTICS, PACKET = 1, 2, 3, 4, 5, 6
# Numbered by Wireshark though they hold no packet: systemd journal, custom blocks, sysdig events.
NUMBERED = frozenset((9, 0x0BAD, 0x40000BAD, 0x204, 0x216, 0x221))
OPTION_END, OPTION_COMMENT = 0, 1
INTERFACE_RESOLUTION, INTERFACE_OFFSET = 9, 14
STATISTICS_DROPPED = {5: "the interface", 7: "the operating system"}
RESYNC_OCTETS = 1 << 20
MAXIMUM_INTERFACES = 65_536
_MINIMUM_BLOCK_OCTETS = 12
_MAGIC = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}


class _Interface(NamedTuple):
    """draft 4.2. Time in ticks of 1/`ticks_per_second` from `offset_seconds`."""

    link_type: LinkType
    snapshot_octets: int
    ticks_per_second: int = 1_000_000
    offset_seconds: int = 0


class _Layout:
    """The fixed fields of one byte order."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.head = Struct(order + "II")
        self.u32 = Struct(order + "I")
        self.option = Struct(order + "HH")
        self.interface = Struct(order + "HHI")
        self.packet = Struct(order + "IIIII")
        self.old_packet = Struct(order + "HHIIII")
        self.u64 = Struct(order + "Q")
        self.i64 = Struct(order + "q")


_LAYOUTS = {order: _Layout(order) for order in "<>"}


class PcapNg:
    """The format, as the registry lists it."""

    name = "pcapng"

    def recognises(self, head: bytes) -> bool:
        return head[:4] == b"\x0a\x0d\x0d\x0a"

    def walk(self, source: Source, notes: Notes, options: ReadOptions, first_number: int) -> Iterator[Frame]:  # noqa: ARG002
        """The frames of all sections; stops at a header of another capture format."""
        start = source.position
        head = bytes(source.peek(28))
        if len(head) < 28:
            raise CaptureError("", f"pcapng section header cut: {len(head)} of 28 octets", start)
        if head[8:12] not in _MAGIC:
            raise CaptureError("", "pcapng byte-order magic is wrong", start + 8)
        major = int.from_bytes(head[12:14], "little" if _MAGIC[head[8:12]] == "<" else "big")
        if major != 1:
            raise CaptureError("", f"pcapng version {major} is not supported", start + 12)
        return _Walk(source, notes, first_number).frames()


PCAPNG = PcapNg()


class _Walk:
    """One reading: the section's byte order and interfaces, and the number of the next frame."""

    def __init__(self, source: Source, notes: Notes, number: int) -> None:
        self.source = source
        self.notes = notes
        self.number = number
        self.layout = _LAYOUTS["<"]
        self.interfaces: list[_Interface] = []
        self.said: set[str] = set()

    def frames(self) -> Iterator[Frame]:
        while True:
            at = self.source.position
            head = self.source.peek(_MINIMUM_BLOCK_OCTETS)
            if len(head) < _MINIMUM_BLOCK_OCTETS:
                if len(head):
                    self.notes.problem(f"{len(head)} octets of an incomplete block", at, loses_octets=True)
                return
            if bytes(head[:4]) in _OTHER_FORMATS:
                return
            if bytes(head[:4]) == b"\x0a\x0d\x0d\x0a" and not self.enter_section(bytes(head), at):
                return
            kind, length = self.layout.head.unpack_from(head)
            if length % 4:
                self.say_once(f"a block length of {length}, which is no multiple of four, was rounded up", at)
                length += -length % 4
            if not _MINIMUM_BLOCK_OCTETS <= length <= MAXIMUM_RECORD_OCTETS:
                if not self.resynchronise(f"a block length of {length}"):
                    return
                continue
            block = self.source.peek(length)
            if len(block) < length and not self.only_the_end_is_cut(kind, block, length, at):
                return
            if len(block) == length and not self.lengths_agree(block, length):
                if not self.resynchronise("the two lengths of a block differ"):
                    return
                continue
            yield from self.block(kind, self.source.take(length)[8 : length - 4], at)

    def say_once(self, text: str, at: int) -> None:
        if text not in self.said and len(self.said) < 1000:
            self.said.add(text)
            self.notes.problem(text, at, self.number, loses_octets=False)

    # Blocks and their lengths

    def enter_section(self, head: bytes, at: int) -> bool:
        order = _MAGIC.get(head[8:12])
        if order is None:
            self.notes.problem("the byte-order magic of a section is wrong", at + 8, loses_octets=True)
            return False
        self.layout = _LAYOUTS[order]
        self.interfaces = []
        return True

    def only_the_end_is_cut(self, kind: int, block: memoryview, length: int, at: int) -> bool:
        """The file ends in this block: a problem; a packet that lacks only the trailing length is still whole."""
        self.notes.problem(f"{len(block)} octets of a block of {length}", at, self.number, loses_octets=True)
        return kind in (PACKET, SIMPLE_PACKET, OLD_PACKET) and len(block) >= length - 4

    def lengths_agree(self, block: memoryview, length: int) -> bool:
        """draft 3.1: both lengths are the same. One wrong trailing length is forgiven if a block follows."""
        trailing = self.layout.u32.unpack_from(block, length - 4)[0]
        if trailing in (length, length - 1, length - 2, length - 3):
            return True
        behind = self.source.peek(length + 8)[length:]
        if len(behind) == 8:
            kind, following = self.layout.head.unpack(behind)
            if kind < 0x1000 and following % 4 == 0 and _MINIMUM_BLOCK_OCTETS <= following <= MAXIMUM_RECORD_OCTETS:
                self.say_once("the trailing length of a block is wrong; its leading length was taken", self.source.position)
                return True
        return False

    def resynchronise(self, why: str) -> bool:
        """Steps to the next block whose lengths agree; False where none is near."""
        start = self.source.position
        view = self.source.peek(RESYNC_OCTETS)
        for at in range(4, len(view) - _MINIMUM_BLOCK_OCTETS + 1, 4):
            length = self.layout.u32.unpack_from(view, at + 4)[0]
            if length % 4 or not _MINIMUM_BLOCK_OCTETS <= length <= len(view) - at:
                continue
            if self.layout.u32.unpack_from(view, at + length - 4)[0] == length:
                self.notes.problem(f"{why}; {at} octets were passed over", start, self.number, loses_octets=True)
                self.source.skip(at)
                return True
        self.notes.problem(f"{why}, and no block behind it", start, self.number, loses_octets=True)
        return False

    def block(self, kind: int, body: memoryview, at: int) -> Iterator[Frame]:
        frame: Frame | None = None
        if kind == PACKET:
            frame = self.packet(body, at)
        elif kind == SIMPLE_PACKET:
            frame = self.simple_packet(body, at)
        elif kind == OLD_PACKET:
            frame = self.old_packet(body, at)
        elif kind in NUMBERED:
            frame = Frame(self.number, None, LinkType.NOT_A_PACKET, memoryview(b""), 0, at)
        elif kind == INTERFACE:
            self.interface(body, at)
        elif kind == NAMES:
            self.names(body)
        elif kind == STATISTICS:
            self.statistics(body, at)
        if frame is not None:
            self.number += 1
            yield frame

    # Packets

    def packet(self, body: memoryview, at: int) -> Frame | None:
        # draft 4.3
        if len(body) < 20:
            self.too_short(at)
            return None
        interface, high, low, captured, original = self.layout.packet.unpack_from(body)
        return self.frame(body, 20, interface, high << 32 | low, captured, original, at)

    def old_packet(self, body: memoryview, at: int) -> Frame | None:
        # draft appendix A
        if len(body) < 20:
            self.too_short(at)
            return None
        interface, _drops, high, low, captured, original = self.layout.old_packet.unpack_from(body)
        return self.frame(body, 20, interface, high << 32 | low, captured, original, at)

    def simple_packet(self, body: memoryview, at: int) -> Frame | None:
        # draft 4.4: no time, and the captured length follows from the first interface's snapshot length
        if len(body) < 4:
            self.too_short(at)
            return None
        original = self.layout.u32.unpack_from(body)[0]
        link_type, interface = self.link(0, at)
        captured = min(original, len(body) - 4)
        if interface is not None and interface.snapshot_octets:
            captured = min(captured, interface.snapshot_octets)
        return Frame(self.number, None, link_type, body[4 : 4 + captured], max(original, captured), at)

    def frame(
        self, body: memoryview, start: int, index: int, ticks: int, captured: int, original: int, at: int
    ) -> Frame:
        if captured > len(body) - start:
            self.say_once("a packet longer than its block was clipped to it", at)
            captured = len(body) - start
        link_type, interface = self.link(index, at)
        per_second, offset_seconds = (interface.ticks_per_second, interface.offset_seconds) if interface else (10**6, 0)
        timestamp_ns = ticks * NS_PER_SECOND // per_second + offset_seconds * NS_PER_SECOND
        comments = tuple(self.comments(body[start + captured + -captured % 4 :], at))
        octets = body[start : start + captured]
        return Frame(self.number, timestamp_ns, link_type, octets, max(original, captured), at, index, comments)

    def too_short(self, at: int) -> None:
        self.notes.problem("a packet block too short for its fields", at, self.number, loses_octets=True)

    def link(self, index: int, at: int) -> tuple[LinkType, _Interface | None]:
        if index < len(self.interfaces):
            return self.interfaces[index].link_type, self.interfaces[index]
        if not self.interfaces:
            self.say_once("no interface is described in this section: read as Ethernet", at)
            return LinkType.ETHERNET, None
        self.say_once(f"interface {index} is not described: its frames are counted, not read", at)
        return LinkType.NOT_A_PACKET, None

    # Everything else

    def options(self, octets: memoryview, at: int) -> Iterator[tuple[int, memoryview]]:
        """draft 3.5; a length past the block ends the list."""
        where = 0
        while len(octets) - where >= 4:
            code, length = self.layout.option.unpack_from(octets, where)
            if code == OPTION_END:
                return
            if length > len(octets) - where - 4:
                self.say_once("an option longer than its block was left out", at)
                return
            yield code, octets[where + 4 : where + 4 + length]
            where += 4 + length + -length % 4

    def comments(self, octets: memoryview, at: int) -> Iterator[str]:
        for code, value in self.options(octets, at) if len(octets) >= 4 else ():
            if code == OPTION_COMMENT:
                yield decode_text(value)

    def interface(self, body: memoryview, at: int) -> None:
        # draft 4.2
        if len(body) < 8 or len(self.interfaces) >= MAXIMUM_INTERFACES:
            self.say_once("an interface block that cannot be read", at)
            return
        link_type, _reserved, snapshot_octets = self.layout.interface.unpack_from(body)
        ticks, offset = 1_000_000, 0
        for code, value in self.options(body[8:], at):
            if code == INTERFACE_RESOLUTION and len(value) == 1:
                ticks = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
            elif code == INTERFACE_OFFSET and len(value) == 8:
                offset = self.layout.i64.unpack(value)[0]
        self.interfaces.append(_Interface(LinkType(link_type), snapshot_octets, ticks, offset))

    def names(self, body: memoryview) -> None:
        # draft 4.5
        where = 0
        while len(body) - where >= 4:
            kind, length = self.layout.option.unpack_from(body, where)
            value = body[where + 4 : where + 4 + length]
            address_octets = {1: 4, 2: 16}.get(kind)
            if kind == 0:
                return
            if address_octets and len(value) > address_octets and len(self.notes.host_names) < MAXIMUM_HOST_NAMES:
                address = str(ipaddress.ip_address(bytes(value[:address_octets])))
                name = decode_text(bytes(value[address_octets:]).split(b"\0")[0])
                self.notes.host_names.setdefault(address, name)
            where += 4 + length + -length % 4

    def statistics(self, body: memoryview, at: int) -> None:
        # draft 4.6
        for code, value in self.options(body[12:], at):
            if code in STATISTICS_DROPPED and len(value) == 8:
                count = self.layout.u64.unpack(value)[0]
                if count:
                    text = f"{count} packets were dropped by {STATISTICS_DROPPED[code]} while capturing"
                    self.notes.problem(text, at, loses_octets=False)


# pcap magics in either byte order, at a block's place: another file was appended.
_OTHER_FORMATS = frozenset(
    bytes.fromhex(magic) for magic in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "34cdb2a1", "a1b2cd34")
)
