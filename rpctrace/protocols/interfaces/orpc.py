"""ORPC ([MS-DCOM] 2.2.13): what stands before the arguments of every call on an object, and the HRESULT behind them."""

from __future__ import annotations

from rpctrace.encoding.ndr import NdrReader
from rpctrace.encoding.partial import FirstProblem, Partial
from rpctrace.encoding.reader import Octets, Reader
from rpctrace.encoding.text import decode_utf16
from rpctrace.errors import Malformed, ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.interfaces.objref import find_objects, parse_objref
from rpctrace.protocols.interfaces.stub import ObjectFacts, Stub
from rpctrace.record import record

LAYER = "dcom.orpc"
THIS_OCTETS = 32  # ORPCTHIS without extensions, in NDR; 40 in NDR64
HEAD_OCTETS = 2048  # of a stub are enough for `read_orpc`, extensions included
MAXIMUM_EXTENSIONS = 16  # two are defined
_VERSION_MAJOR, _VERSIONS_MINOR = 5, range(1, 8)  # [MS-DCOM] 2.2.11: 5.1 to 5.7
_KNOWN_FLAGS = 0x1F  # [MS-DCOM] 2.2.13.1

# [MS-DCOM] 1.9: identifiers of extensions, and what unmarshals error information
ERROR_EXTENSION = "0000031c-0000-0000-c000-000000000046"
CONTEXT_EXTENSION = "00000334-0000-0000-c000-000000000046"
_ERROR_OBJECT = "0000031b-0000-0000-c000-000000000046"
_PRESENT = 0xFFFFFFFF  # [MS-DCOM] 2.2.21.2: what announces a string


class ErrorInfo(NamedTuple):
    """[MS-DCOM] 2.2.21.2: what the object itself says of its error."""

    iid: str
    source: str | None
    description: str | None


class Extension(NamedTuple):
    """[MS-DCOM] 2.2.13.2 ORPC_EXTENT: its GUID, how many octets it brings, and what they say of an error."""

    id: str
    size_octets: int
    error: ErrorInfo | None


class OrpcThis(NamedTuple):
    """[MS-DCOM] 2.2.13.3; `cid` is the causality that links nested calls."""

    version: tuple[int, int]
    flags: int
    cid: str
    extensions: tuple[Extension, ...]


class OrpcThat(NamedTuple):
    """[MS-DCOM] 2.2.13.4."""

    flags: int
    extensions: tuple[Extension, ...]


@record
class OrpcCall(Partial):
    """A call on the object `ipid`, of whatever interface. `objects`: interface pointers that its answer handed out;
    `passed`: those that the client gave along, of objects of its own on which it may be called back."""

    ipid: str
    version: tuple[int, int]
    cid: str
    extensions: tuple[str, ...] = ()
    reply_extensions: tuple[str, ...] = ()
    error: ErrorInfo | None = None
    hresult: int | None = None
    objects: tuple[ObjectFacts, ...] = ()
    passed: tuple[ObjectFacts, ...] = ()


def read_this(ndr: NdrReader) -> OrpcThis:
    version = ndr.u16(), ndr.u16()
    flags, _reserved = ndr.u32(), ndr.u32()
    if version[0] != _VERSION_MAJOR:
        raise Malformed(ndr.reader.layer, 0, f"ORPC version {version[0]}.{version[1]}")
    return OrpcThis(version, flags, ndr.guid(), _extensions(ndr))


def read_that(ndr: NdrReader) -> OrpcThat:
    return OrpcThat(ndr.u32(), _extensions(ndr))


def _extensions(ndr: NdrReader) -> tuple[Extension, ...]:
    """[MS-DCOM] 2.2.13.5 ORPC_EXTENT_ARRAY behind a unique pointer."""
    if not ndr.pointer():
        return ()
    ndr.align_wide()
    ndr.u32(), ndr.u32()
    if not ndr.pointer():
        return ()
    pointers = [ndr.pointer() for _ in range(ndr.count(4, MAXIMUM_EXTENSIONS))]
    return tuple(_extension(ndr) for _ in filter(None, pointers))


def _extension(ndr: NdrReader) -> Extension:
    held = ndr.wide()  # the size rounded up to eight
    identifier, size = ndr.guid(), ndr.u32()
    octets = ndr.octets(ndr.checked(held, 1, ndr.reader.remaining))
    error = None
    if identifier == ERROR_EXTENSION:
        try:
            error = _error_info(octets)
        except ParseError:
            error = None  # what an application says of its error is not the protocol's
    return Extension(identifier, size, error)


def _error_info(octets: Octets) -> ErrorInfo | None:
    custom = parse_objref(octets)
    if custom.clsid != _ERROR_OBJECT:
        return None
    ndr = NdrReader(Reader(custom.data, "dcom.error_info"))
    ndr.u32(), ndr.u32()  # version, help context
    iid = ndr.guid()
    return ErrorInfo(iid, _announced_text(ndr), _announced_text(ndr))


def _announced_text(ndr: NdrReader) -> str | None:
    if ndr.u32() != _PRESENT:
        return None
    ndr.u32(), ndr.u32()  # ErrorInfoString: maximum, offset
    return decode_utf16(ndr.octets(2 * ndr.u32())).rstrip("\0")


def is_orpc(request_head: Octets, *, little_endian: bool = True) -> bool:
    """Whether a request's stub begins like an ORPCTHIS: version 5.1 to 5.7, known flags, nothing reserved set."""
    if len(request_head) < THIS_OCTETS:
        return False
    reader = Reader(request_head, LAYER, little_endian=little_endian)
    major, minor, flags, reserved = reader.u16(), reader.u16(), reader.u32(), reader.u32()
    return major == _VERSION_MAJOR and minor in _VERSIONS_MINOR and flags & ~_KNOWN_FLAGS == 0 and reserved == 0


def read_orpc(
    ipid: str,
    request_head: Octets,
    response_head: Octets | None,
    hresult: int | None,
    *,
    little_endian: bool = True,
    ndr64: bool = False,
) -> OrpcCall | None:
    """A call on an object from the first octets of its stubs; None where the request is none.

    `hresult` is the last four octets of the response, where all of it is there.
    """
    if not is_orpc(request_head, little_endian=little_endian):
        return None
    problems = FirstProblem()
    ndr = NdrReader(Reader(request_head, f"{LAYER}.this", little_endian=little_endian), ndr64=ndr64)
    version = ndr.u16(), ndr.u16()
    ndr.u32(), ndr.u32()
    cid = ndr.guid()
    extensions = problems.attempt(_extensions, ndr) or ()
    reply: OrpcThat | None = None
    objects: list[ObjectFacts] = []
    passed: list[ObjectFacts] = []
    problems.attempt(find_objects, request_head, passed)
    if response_head is not None:
        answer = Reader(response_head, f"{LAYER}.that", little_endian=little_endian)
        reply = problems.attempt(read_that, NdrReader(answer, ndr64=ndr64))
        problems.attempt(find_objects, response_head, objects)
    answered = reply.extensions if reply else ()
    return OrpcCall(
        ipid,
        version,
        cid,
        tuple(each.id for each in extensions),
        tuple(each.id for each in answered),
        next((each.error for each in answered if each.error is not None), None),
        hresult,
        tuple(objects),
        tuple(passed),
        problem=problems.error,
    )


def read(stub: Stub) -> OrpcCall | None:
    """The same of a stub that is at hand."""
    request = stub.readable_request
    if stub.object_uuid is None or request is None:
        return None
    return read_orpc(
        stub.object_uuid,
        request,
        stub.readable_response,
        stub.result,
        little_endian=stub.little_endian,
        ndr64=stub.ndr64,
    )
