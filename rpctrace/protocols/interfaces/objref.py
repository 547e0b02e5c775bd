"""OBJREF ([MS-DCOM] 2.2.18): a marshalled interface pointer, in any of its four forms. Always little endian."""

from __future__ import annotations

import re

from rpctrace.encoding.ndr import NdrReader, guid
from rpctrace.encoding.numbers import OpenEnum
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.errors import Malformed, Truncated
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.interfaces.bindings import NO_BINDINGS, Bindings, parse_bindings
from rpctrace.protocols.interfaces.stub import ObjectFacts

LAYER = "dcom.OBJREF"
SIGNATURE = b"MEOW"  # 0x574f454d
_NAMES_AN_OBJECT = re.compile(SIGNATURE + rb"[\x01\x02\x08]\0\0\0")  # every form but CUSTOM
MAXIMUM_OBJREFS = 256  # that a search of a stub gives
_EXTENDED_SIGNATURE = 0x4E535956  # [MS-DCOM] 2.2.18.7


class Form(OpenEnum):
    """[MS-DCOM] 2.2.18: flags, of which one is set."""

    STANDARD = 1
    HANDLER = 2
    CUSTOM = 4
    EXTENDED = 8


class StdObjRef(NamedTuple):
    """[MS-DCOM] 2.2.18.2 STDOBJREF."""

    flags: int
    public_references: int
    oxid: int
    oid: int
    ipid: str


class ObjRef(NamedTuple):
    """`standard` is None for CUSTOM alone; `clsid` (HANDLER, CUSTOM) unmarshals it from `data` (CUSTOM)."""

    form: Form
    iid: str
    standard: StdObjRef | None
    resolver: Bindings
    clsid: str | None
    data: memoryview

    @property
    def facts(self) -> ObjectFacts | None:
        """What later calls on the object need; None where it is marshalled in a way of its own."""
        if self.standard is None:
            return None
        return ObjectFacts(self.standard.ipid, self.iid, self.standard.oxid, self.standard.oid)


def parse_std_objref(ndr: NdrReader) -> StdObjRef:
    ndr.align(8)
    return StdObjRef(ndr.u32(), ndr.u32(), ndr.u64(), ndr.u64(), ndr.guid())


def parse_objref(octets: Octets) -> ObjRef:
    """One OBJREF -> value; octets behind it are not looked at. Raises `Truncated` or `Malformed`."""
    return _read(Reader(octets, LAYER))


def _read(reader: Reader) -> ObjRef:
    if reader.take(4) != SIGNATURE:
        raise Malformed(LAYER, 0, "not the signature of an OBJREF")
    form = Form(reader.u32())
    iid = guid(reader)
    if form is Form.CUSTOM:
        clsid = guid(reader)
        reader.skip(8)  # cbExtension, and a size that nobody may rely on
        return ObjRef(form, iid, None, NO_BINDINGS, clsid, reader.rest())
    if not form.is_known:
        raise Malformed(LAYER, 4, f"flags 0x{form.value:08x}")
    standard = StdObjRef(reader.u32(), reader.u32(), reader.u64(), reader.u64(), guid(reader))
    handler = guid(reader) if form is Form.HANDLER else None
    if form is Form.EXTENDED and reader.u32() != _EXTENDED_SIGNATURE:
        raise Malformed(LAYER, reader.offset - 4, "not the signature of an extended OBJREF")
    return ObjRef(form, iid, standard, parse_bindings(reader), handler, memoryview(b""))


def read_interface_pointer(ndr: NdrReader) -> memoryview:
    """[MS-DCOM] 2.2.14 MInterfacePointer: the octets of its OBJREF."""
    ndr.wide()
    return ndr.octets(ndr.u32())


def find_objects(octets: Octets, found: list[ObjectFacts]) -> None:
    """Adds the interface pointers in a stub of which the layout is not known, found by their signature. Raises
    `Malformed` where there are more than `MAXIMUM_OBJREFS`."""
    view = memoryview(octets)
    held = bytes(view)
    sign = _NAMES_AN_OBJECT.search(held)
    while sign is not None:
        reader = Reader(view[sign.start() :], LAYER)
        facts, behind = None, sign.end()
        try:
            facts = _read(reader).facts
            behind = sign.start() + reader.offset
        except Truncated:
            pass  # a text that holds these letters, or a pointer that is cut
        except Malformed:
            behind = sign.start() + reader.offset  # what was read once is not read again, however often it claims to be
        if facts is not None:
            if len(found) == MAXIMUM_OBJREFS:
                raise Malformed(LAYER, sign.start(), f"more than {MAXIMUM_OBJREFS} interface pointers")
            found.append(facts)
        sign = _NAMES_AN_OBJECT.search(held, behind)
