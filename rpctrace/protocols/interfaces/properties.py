"""The activation properties of DCOM ([MS-DCOM] 2.2.22): the blob inside an OBJREF_CUSTOM -> what is asked and given.

Each property is serialised by itself, so one that does not read leaves the others readable. A reader gives the fields
of `activation.Activation` that its property tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rpctrace.encoding.ndr import NdrReader, type_serialization_1
from rpctrace.encoding.partial import FirstProblem
from rpctrace.encoding.reader import Octets
from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.interfaces.bindings import PROTOCOL_SEQUENCES, parse_bindings
from rpctrace.protocols.interfaces.objref import ObjRef, parse_objref, read_interface_pointer

LAYER = "dcom.activation"
MAXIMUM_PROPERTIES = 16  # [MS-DCOM] 2.2.22.1: MAX_ACTPROP_LIMIT is 10
MAXIMUM_INTERFACES = 0x8000  # [MS-DCOM] 2.2.28.1 MAX_REQUESTED_INTERFACES
MAXIMUM_PROTSEQS = 0x8000  # [MS-DCOM] 2.2.28.1 MAX_REQUESTED_PROTSEQS
# [MS-DCOM] 1.9: what marks the OBJREF_CUSTOM of an activation
PROPERTIES_IN, PROPERTIES_OUT = "00000338-0000-0000-c000-000000000046", "00000339-0000-0000-c000-000000000046"
_HEADER_OCTETS = 8  # dwSize and dwReserved before the custom header

Fields = dict[str, Any]


class ActivatedInterface(NamedTuple):
    """One interface that was asked for, and what became of it; without an object where `hresult` refuses it. `iid` is
    None where the capture does not hold the question."""

    iid: str | None
    hresult: int | None
    ipid: str | None
    oxid: int | None
    oid: int | None


def activated(iid: str | None, hresult: int | None, pointer: ObjRef | None) -> ActivatedInterface:
    facts = pointer.facts if pointer is not None else None
    if facts is None:
        return ActivatedInterface(iid, hresult, None, None, None)
    return ActivatedInterface(iid, hresult, facts.ipid, facts.oxid, facts.oid)


def read_properties(objref_octets: Octets, problems: FirstProblem) -> Fields:
    """An MInterfacePointer's OBJREF_CUSTOM -> all fields that its properties tell. Raises `ParseError` where even the
    list of properties does not read; of a property that does not, `problems` hears."""
    custom = parse_objref(objref_octets)
    if custom.clsid not in (PROPERTIES_IN, PROPERTIES_OUT):
        raise Malformed(LAYER, 0, f"no activation properties: unmarshaler {custom.clsid}")
    found: Fields = {}
    for clsid, octets in _properties(custom.data):
        read = _READERS.get(clsid)
        if read is not None:
            fields = problems.attempt(_property, read, octets)
            found.update(fields or {})
    return found


def _properties(blob: memoryview) -> Iterator[tuple[str, memoryview]]:
    """[MS-DCOM] 2.2.22.1 CustomHeader -> each property's class and octets."""
    header = NdrReader(type_serialization_1(blob[_HEADER_OCTETS:], f"{LAYER}.custom_header"))
    header.u32()
    header_size = header.u32()
    header.u32(), header.u32()  # reserved, destination context
    count = header.u32()
    header.guid()
    has_classes, has_sizes = header.pointer(), header.pointer()
    header.pointer()
    if not has_classes or not has_sizes:
        raise Malformed(LAYER, header.reader.offset, "no list of properties")
    classes = [header.guid() for _ in range(header.count(16, MAXIMUM_PROPERTIES))]
    sizes = [header.u32() for _ in range(header.count(4, MAXIMUM_PROPERTIES))]
    if count != len(classes) or count != len(sizes):
        raise Malformed(LAYER, header.reader.offset, f"{count} properties, {len(classes)} classes, {len(sizes)} sizes")
    at = _HEADER_OCTETS + header_size
    for clsid, size in zip(classes, sizes, strict=True):
        yield clsid, blob[at : at + size]
        at += size


def _property(read: Callable[[NdrReader], Fields], octets: memoryview) -> Fields:
    return read(NdrReader(type_serialization_1(octets, f"{LAYER}.{read.__name__.strip('_')}")))


def _instantiation_info(ndr: NdrReader) -> Fields:
    """[MS-DCOM] 2.2.22.2.1."""
    clsid, class_context = ndr.guid(), ndr.u32()
    ndr.u32(), ndr.u32()  # activation flags, surrogate
    ndr.u32(), ndr.u32()  # cIID, instance flag
    has_iids = ndr.pointer()
    ndr.u32()  # this size
    version = ndr.u16(), ndr.u16()
    iids = [ndr.guid() for _ in range(ndr.count(16, MAXIMUM_INTERFACES))] if has_iids else ()
    return {"clsid": clsid, "class_context": class_context, "client_version": version, "iids": tuple(iids)}


def _special_properties(ndr: NdrReader) -> Fields:
    """[MS-DCOM] 2.2.22.2.2. The session counts only where the flag behind it says so or names one."""
    session_id, remote_session = ndr.u32(), ndr.u32()
    ndr.u32(), ndr.u32()  # client impersonating, partition present
    return {"session_id": session_id, "remote_session": bool(remote_session), "default_authn_level": ndr.u32()}


def _security_info(ndr: NdrReader) -> Fields:
    """[MS-DCOM] 2.2.22.2.7: of its COSERVERINFO the name that the client means to reach."""
    ndr.u32()
    has_server, _reserved = ndr.pointer(), ndr.pointer()
    if not has_server:
        return {}
    ndr.u32()
    has_name, _authentication, _more = ndr.pointer(), ndr.pointer(), ndr.u32()
    return {"server_name": ndr.text()} if has_name else {}


def _location_info(ndr: NdrReader) -> Fields:
    """[MS-DCOM] 2.2.22.2.6."""
    has_name = ndr.pointer()
    ndr.u32(), ndr.u32(), ndr.u32()
    return {"machine_name": ndr.text()} if has_name else {}


def _scm_request_info(ndr: NdrReader) -> Fields:
    """[MS-DCOM] 2.2.22.2.4."""
    ndr.pointer()
    if not ndr.pointer():
        return {}
    impersonation_level = ndr.u32()
    ndr.u16()
    sequences = requested(ndr) if ndr.pointer() else ()
    return {"impersonation_level": impersonation_level, "requested_protocols": sequences}


def requested(ndr: NdrReader) -> tuple[str, ...]:
    """A conformant array of tower identifiers -> protocol sequences."""
    numbers = [ndr.u16() for _ in range(ndr.count(2, MAXIMUM_PROTSEQS))]
    return tuple(PROTOCOL_SEQUENCES.get(number, f"tower 0x{number:02x}") for number in numbers)


def _scm_reply_info(ndr: NdrReader) -> Fields:
    """[MS-DCOM] 2.2.22.2.8."""
    ndr.pointer()
    if not ndr.pointer():
        return {}
    oxid, has_bindings = ndr.u64(), ndr.pointer()
    ipid, authn_hint, version = ndr.guid(), ndr.u32(), (ndr.u16(), ndr.u16())
    found: Fields = {"oxid": oxid, "ipid_rem_unknown": ipid, "authn_hint": authn_hint, "server_version": version}
    if has_bindings:
        ndr.u32()  # how many entries follow, which the array itself says too
        bindings = parse_bindings(ndr.reader)
        found.update(bindings=bindings.strings, security_bindings=bindings.securities)
    return found


def _props_out_info(ndr: NdrReader) -> Fields:
    """[MS-DCOM] 2.2.22.2.9."""
    ndr.u32()
    has_iids, has_results, has_pointers = ndr.pointer(), ndr.pointer(), ndr.pointer()
    iids = [ndr.guid() for _ in range(ndr.count(16, MAXIMUM_INTERFACES))] if has_iids else []
    results = [ndr.u32() for _ in range(ndr.count(4, MAXIMUM_INTERFACES))] if has_results else []
    pointers = interface_pointers(ndr) if has_pointers else []
    results_of = dict(enumerate(results))
    pointers_of = dict(enumerate(pointers))
    return {
        "results": tuple(
            activated(iid, results_of.get(place), pointers_of.get(place)) for place, iid in enumerate(iids)
        )
    }


def interface_pointers(ndr: NdrReader) -> list[ObjRef | None]:
    """A conformant array of pointers to MInterfacePointer; None for a null pointer, or an OBJREF of an unknown form."""
    present = [ndr.pointer() for _ in range(ndr.count(4, MAXIMUM_INTERFACES))]
    return [parse_objref(bytes(read_interface_pointer(ndr))) if here else None for here in present]


_SUFFIX = "-0000-0000-c000-000000000046"
# [MS-DCOM] 1.9. The context (000001a5) and the instance (000001ad) tell nothing that other connections show.
_READERS: dict[str, Callable[[NdrReader], Fields]] = {
    f"000001ab{_SUFFIX}": _instantiation_info,
    f"000001b9{_SUFFIX}": _special_properties,
    f"000001a6{_SUFFIX}": _security_info,
    f"000001a4{_SUFFIX}": _location_info,
    f"000001aa{_SUFFIX}": _scm_request_info,
    f"00000339{_SUFFIX}": _props_out_info,
    f"000001b6{_SUFFIX}": _scm_reply_info,
}
