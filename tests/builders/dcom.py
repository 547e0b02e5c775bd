"""Objects, bindings and activations -> octets of DCOM ([MS-DCOM] 2.2), as Windows lays them out."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import NamedTuple
from uuid import UUID

from builders.ndr import Ndr, type_serialized

CID = "93db879a-5aeb-4f84-97be-637a19b65b22"
CLSID = "49b2791a-b1ae-4c90-9b8e-e860ba07f889"
ICLASSFACTORY = "00000001-0000-0000-c000-000000000046"
IUNKNOWN = "00000000-0000-0000-c000-000000000046"
IPID, REM_UNKNOWN_IPID = "0000cc0b-0668-04ec-0953-aacaf2a4d05b", "0000f800-0668-04ec-225c-99ce1c620266"
OXID, OID = 0xB5C018689DC8086E, 0x657A2EAF2499944A
PROPERTIES_IN, PROPERTIES_OUT = "00000338-0000-0000-c000-000000000046", "00000339-0000-0000-c000-000000000046"
ERROR_EXTENSION, ERROR_OBJECT = "0000031c-0000-0000-c000-000000000046", "0000031b-0000-0000-c000-000000000046"
E_NOINTERFACE = 0x80004002
STRINGS = ((7, "DC1[49724]"), (7, "192.0.2.10[49724]"), (15, "\\\\\\\\DC1[\\\\PIPE\\\\atsvc]"))
SECURITIES = ((10, 0xFFFF, ""), (16, 0xFFFF, "host/dc1.example.com"))

Strings = Sequence[tuple[int, str]]
Securities = Sequence[tuple[int, int, str]]


def uuid(text: str) -> bytes:
    return UUID(text).bytes_le


def bindings(strings: Strings = STRINGS, securities: Securities = SECURITIES, order: str = "<") -> bytes:
    """DUALSTRINGARRAY."""
    encoding = "utf-16-le" if order == "<" else "utf-16-be"

    def text(characters: str) -> bytes:
        return (characters + "\0").encode(encoding)

    first = b"".join(pack(order + "H", tower) + text(address) for tower, address in strings) + bytes(2)
    second = b"".join(pack(order + "HH", *numbers) + text(name) for *numbers, name in securities) + bytes(2)
    return pack(order + "HH", (len(first) + len(second)) // 2, len(first) // 2) + first + second


def std_objref(ipid: str = IPID, references: int = 5) -> bytes:
    return pack("<IIQQ", 0, references, OXID, OID) + uuid(ipid)


def objref(form: int, iid: str, body: bytes) -> bytes:
    return b"MEOW" + pack("<I", form) + uuid(iid) + body


def standard(iid: str = ICLASSFACTORY, ipid: str = IPID) -> bytes:
    return objref(1, iid, std_objref(ipid) + bindings(((7, "DC1"),)))


def handler(iid: str = ICLASSFACTORY) -> bytes:
    return objref(2, iid, std_objref() + uuid(CLSID) + bindings())


def custom(iid: str, clsid: str, data: bytes) -> bytes:
    return objref(4, iid, uuid(clsid) + pack("<II", 0, len(data)) + data)


def extended(iid: str = ICLASSFACTORY, signature: int = 0x4E535956) -> bytes:
    return objref(8, iid, std_objref() + pack("<I", signature) + bindings())


def this(ndr: Ndr, *, version: tuple[int, int] = (5, 7), flags: int = 1, extensions: bytes | None = None) -> Ndr:
    """ORPCTHIS; `extensions` as `error_extension` makes one."""
    ndr.u16(version[0]).u16(version[1]).u32(flags).u32(0).guid(CID)
    return _extensions(ndr, extensions)


def that(ndr: Ndr, *, flags: int = 1, extensions: bytes | None = None) -> Ndr:
    return _extensions(ndr.u32(flags), extensions)


def _extensions(ndr: Ndr, data: bytes | None) -> Ndr:
    """ORPC_EXTENT_ARRAY of one extension and a null pointer, since their number is rounded up to even."""
    ndr.pointer(data is not None)
    if data is not None:
        padded = data + bytes(-len(data) % 8)
        ndr.u32(1).u32(0).pointer().wide(2).pointer().pointer(False)
        ndr.wide(len(padded)).guid(ERROR_EXTENSION).u32(len(data)).raw(padded)
    return ndr


def error_extension(source: str, description: str | None) -> bytes:
    """[MS-DCOM] 2.2.21.2."""
    data = pack("<II", 0, 0) + uuid(IUNKNOWN)
    for text in (source, description):
        if text is None:
            data += bytes(4)
        else:
            count = len(text) + 1
            data += pack("<IIII", 0xFFFFFFFF, count, 0, count) + (text + "\0").encode("utf-16-le")
        data += bytes(-len(data) % 4)
    return custom(IUNKNOWN, ERROR_OBJECT, data + bytes(4))


def interface_pointer(ndr: Ndr, octets: bytes) -> Ndr:
    return ndr.wide(len(octets)).u32(len(octets)).raw(octets)


def put_bindings(ndr: Ndr, octets: bytes) -> Ndr:
    """A DUALSTRINGARRAY as a conformant structure."""
    return ndr.wide(len(octets) // 2 - 2).raw(octets)


# Activation properties ([MS-DCOM] 2.2.22)


def _clsid(first: str) -> str:
    return f"{first}-0000-0000-c000-000000000046"


class Property(NamedTuple):
    clsid: str
    octets: bytes


def instantiation_info(clsid: str = CLSID, iids: Sequence[str] = (ICLASSFACTORY,)) -> Property:
    ndr = Ndr().guid(clsid).u32(16).u32(0).u32(0).u32(len(iids)).u32(0).pointer().u32(88).u16(5).u16(7)
    ndr.wide(len(iids))
    for iid in iids:
        ndr.guid(iid)
    return Property(_clsid("000001ab"), ndr.done())


def special_properties(session_id: int = 0xFFFFFFFF) -> Property:
    return Property(_clsid("000001b9"), pack("<IIIII", session_id, 1, 0, 0, 5) + bytes(68))


def security_info(name: str | None) -> Property:
    ndr = Ndr().u32(0).pointer(name is not None).pointer(False)
    if name is not None:
        ndr.u32(0).pointer().pointer(False).u32(0).text(name)
    return Property(_clsid("000001a6"), ndr.done())


def location_info(machine: str | None) -> Property:
    ndr = Ndr().pointer(machine is not None).u32(0).u32(0).u32(0)
    return Property(_clsid("000001a4"), (ndr.text(machine) if machine is not None else ndr).done())


def scm_request_info(sequences: Sequence[int] = (7, 15)) -> Property:
    ndr = Ndr().pointer(False).pointer().u32(2).u16(len(sequences)).pointer().wide(len(sequences))
    for sequence in sequences:
        ndr.u16(sequence)
    return Property(_clsid("000001aa"), ndr.done())


def activation_context() -> Property:
    return Property(_clsid("000001a5"), bytes(24))


def scm_reply_info(octets: bytes | None = None) -> Property:
    octets = bindings() if octets is None else octets
    ndr = Ndr().pointer(False).pointer().u64(OXID).pointer().guid(REM_UNKNOWN_IPID).u32(5).u16(5).u16(7)
    return Property(_clsid("000001b6"), put_bindings(ndr, octets).done())


def props_out(results: Sequence[tuple[str, int, bytes | None]]) -> Property:
    """Results as (IID, HRESULT, OBJREF)."""
    ndr = Ndr().u32(len(results)).pointer().pointer().pointer().wide(len(results))
    for iid, _, _ in results:
        ndr.guid(iid)
    ndr.wide(len(results))
    for _, hresult, _ in results:
        ndr.u32(hresult)
    ndr.wide(len(results))
    for _, _, octets in results:
        ndr.pointer(octets is not None)
    for _, _, octets in results:
        if octets is not None:
            interface_pointer(ndr, octets)
    return Property(_clsid("00000339"), ndr.done())


def blob(properties: Sequence[Property], clsid: str) -> bytes:
    """The OBJREF_CUSTOM that holds the properties, each serialised by itself."""
    parts = [type_serialized(each.octets) for each in properties]
    count = len(parts)
    ndr = Ndr().u32(0).u32(16 + 80 + 20 * count).u32(0).u32(2).u32(count).guid(IUNKNOWN)
    ndr.pointer().pointer().pointer(False).wide(count)
    for each in properties:
        ndr.guid(each.clsid)
    ndr.wide(count)
    for part in parts:
        ndr.u32(len(part))
    header = type_serialized(ndr.done())
    # headerSize counts the header with its own headers, which was written before it was known how long it is
    header = header[:20] + pack("<I", len(header)) + header[24:]
    data = header + b"".join(parts)
    iid = _clsid("000001a2" if clsid == PROPERTIES_IN else "000001a3")
    return custom(iid, clsid, pack("<II", len(data), 0) + data)


def activation_request(ndr: Ndr, properties: Sequence[Property], *, creates: bool = False) -> bytes:
    this(ndr)
    if creates:
        ndr.pointer(False)
    return interface_pointer(ndr.pointer(), blob(properties, PROPERTIES_IN)).done()


def activation_response(ndr: Ndr, properties: Sequence[Property] | None, hresult: int = 0) -> bytes:
    that(ndr).pointer(properties is not None)
    if properties is not None:
        interface_pointer(ndr, blob(properties, PROPERTIES_OUT))
    return ndr.u32(hresult).done()


def remote_activation_request(ndr: Ndr, clsid: str = CLSID, iids: Sequence[str] = (ICLASSFACTORY,)) -> bytes:
    this(ndr).guid(clsid).optional_text("C:\\file.doc").pointer(False).u32(2).u32(0).u32(len(iids)).pointer()
    ndr.wide(len(iids))
    for iid in iids:
        ndr.guid(iid)
    return ndr.u16(1).wide(1).u16(7).done()


def remote_activation_response(
    ndr: Ndr, results: Sequence[tuple[int, bytes | None]], *, hresult: int = 0, status: int = 0, order: str = "<"
) -> bytes:
    that(ndr).u64(OXID).pointer()
    put_bindings(ndr, bindings(order=order)).guid(REM_UNKNOWN_IPID).u32(4).u16(5).u16(7).u32(hresult)
    ndr.wide(len(results))
    for _, octets in results:
        ndr.pointer(octets is not None)
    for _, octets in results:
        if octets is not None:
            interface_pointer(ndr, octets)
    ndr.wide(len(results))
    for result, _ in results:
        ndr.u32(result)
    return ndr.u32(status).done()


# The object resolver and IRemUnknown ([MS-DCOM] 3.1.2.5.1, 3.1.1.5.6)


def resolve_oxid(ndr: Ndr, sequences: Sequence[int] = (7,)) -> bytes:
    ndr.u64(OXID).u16(len(sequences)).wide(len(sequences))
    for sequence in sequences:
        ndr.u16(sequence)
    return ndr.done()


def resolved(ndr: Ndr, *, version: bool, order: str = "<", status: int = 0) -> bytes:
    """ResolveOxid's answer, or with `version` ResolveOxid2's."""
    put_bindings(ndr.pointer(), bindings(order=order)).guid(REM_UNKNOWN_IPID).u32(5)
    if version:
        ndr.u16(5).u16(7)
    return ndr.u32(status).done()


def unresolved(ndr: Ndr, status: int) -> bytes:
    return ndr.pointer(False).guid(IUNKNOWN).u32(0).u16(0).u16(0).u32(status).done()


def server_alive_2(ndr: Ndr, order: str = "<", told: bytes | None = None) -> bytes:
    ndr.u16(5).u16(7).pointer()
    told = bindings(((7, "DC1"), (7, "192.0.2.10")), order=order) if told is None else told
    return put_bindings(ndr, told).u32(0).u32(0).done()


def complex_ping(ndr: Ndr, set_id: int, added: Sequence[int], deleted: Sequence[int]) -> bytes:
    ndr.u64(set_id).u16(3).u16(len(added)).u16(len(deleted))
    for oids in (added, deleted):
        ndr.pointer(bool(oids))
        if oids:
            ndr.wide(len(oids))
            for oid in oids:
                ndr.u64(oid)
    return ndr.done()


def query_interface(ndr: Ndr, iids: Sequence[str], *, second: bool = False) -> bytes:
    """RemQueryInterface, or RemQueryInterface2."""
    this(ndr).guid(IPID)
    if not second:
        ndr.u32(5)
    ndr.u16(len(iids)).wide(len(iids))
    for iid in iids:
        ndr.guid(iid)
    return ndr.done()


def queried(ndr: Ndr, results: Sequence[tuple[int, str]], hresult: int = 0) -> bytes:
    """Results as (HRESULT, IPID)."""
    that(ndr).pointer().wide(len(results))
    for result, ipid in results:
        ndr.align(8).u32(result).align(8).u32(0).u32(5).u64(OXID).u64(OID).guid(ipid)
    return ndr.u32(hresult).done()


def queried_2(ndr: Ndr, results: Sequence[tuple[int, bytes | None]], hresult: int = 0) -> bytes:
    that(ndr).wide(len(results))
    for result, _ in results:
        ndr.u32(result)
    ndr.wide(len(results))
    for _, octets in results:
        ndr.pointer(octets is not None)
    for _, octets in results:
        if octets is not None:
            interface_pointer(ndr, octets)
    return ndr.u32(hresult).done()


def references(ndr: Ndr, counts: Sequence[tuple[str, int, int]]) -> bytes:
    """RemAddRef or RemRelease, of (IPID, public, private)."""
    this(ndr).u16(len(counts)).wide(len(counts))
    for ipid, public, private in counts:
        ndr.guid(ipid).u32(public).u32(private)
    return ndr.done()


def added(ndr: Ndr, results: Sequence[int]) -> bytes:
    that(ndr).wide(len(results))
    for result in results:
        ndr.u32(result)
    return ndr.u32(0).done()


def safe_array_of_text(ndr: Ndr, texts: Sequence[str]) -> bytes:
    """An answer that is an array of strings ([MS-OAUT] 2.2.30 SAFEARRAY of BSTR, 2.2.23 FLAGGED_WORD_BLOB)."""
    that(ndr).pointer().wide(1).u16(1).u16(0x0180).u32(4).u32(0).u32(8).u32(len(texts)).pointer()
    ndr.u32(len(texts)).u32(0).wide(len(texts))
    for _ in texts:
        ndr.pointer()
    for text in texts:
        ndr.wide(len(text)).u32(2 * len(text)).u32(len(text)).raw(text.encode("utf-16-le")).align(4)
    return ndr.u32(0).done()
