"""ORPCTHIS and ORPCTHAT with extensions, HRESULTs, objects in answers; the ORPC calls of captures against tshark."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from builders import dcom
from builders.ndr import Ndr
from protocols.interfaces.captured_stubs import stubs
from protocols.interfaces.reading import stub, survives
from shared_captures import SHARED, name_of, needs_shared
from tshark_reading import fields

from rpctrace.encoding.ndr import NdrReader
from rpctrace.encoding.reader import Reader
from rpctrace.errors import Malformed
from rpctrace.protocols.interfaces import orpc
from rpctrace.protocols.interfaces.orpc import ErrorInfo, is_orpc, read_orpc, read_that, read_this
from rpctrace.protocols.interfaces.stub import ObjectFacts

FORMS = [(True, False), (False, False), (True, True)]  # little endian, NDR64
ERROR = dcom.error_extension("WMI", "no such class")


@pytest.mark.parametrize(("little_endian", "ndr64"), FORMS)
def test_head_of_a_call(little_endian: bool, ndr64: bool) -> None:
    """Version, causality and extensions; what follows stands where the reader is."""
    octets = dcom.this(Ndr(little_endian=little_endian, ndr64=ndr64), extensions=ERROR).u16(0x1234).done()
    ndr = NdrReader(Reader(octets, "t", little_endian=little_endian), ndr64=ndr64)
    found = read_this(ndr)
    assert (found.version, found.flags, found.cid) == ((5, 7), 1, dcom.CID)
    assert [(each.id, each.size_octets) for each in found.extensions] == [(dcom.ERROR_EXTENSION, len(ERROR))]
    assert ndr.u16() == 0x1234


@pytest.mark.parametrize(("little_endian", "ndr64"), FORMS)
def test_head_of_an_answer(little_endian: bool, ndr64: bool) -> None:
    octets = dcom.that(Ndr(little_endian=little_endian, ndr64=ndr64), extensions=ERROR).done()
    found = read_that(NdrReader(Reader(octets, "t", little_endian=little_endian), ndr64=ndr64))
    assert found.flags == 1
    assert found.extensions[0].error == ErrorInfo(dcom.IUNKNOWN, "WMI", "no such class")


def test_error_information_that_is_not_all_there() -> None:
    """A string may be absent; what an application garbles is its own affair."""
    for data, error in (
        (dcom.error_extension("WMI", None), ErrorInfo(dcom.IUNKNOWN, "WMI", None)),
        (dcom.custom(dcom.IUNKNOWN, dcom.CLSID, bytes(40)), None),
        (b"MEOW", None),
        (ERROR[:-20], None),
    ):
        octets = dcom.that(Ndr(), extensions=data).done()
        assert read_that(NdrReader(Reader(octets, "t"))).extensions[0].error == error


def test_call_on_an_object() -> None:
    """The extension's error, the objects and the HRESULT of the answer."""
    request = dcom.this(Ndr()).u32(7).raw(dcom.standard(dcom.IUNKNOWN, dcom.REM_UNKNOWN_IPID)).done()
    response = dcom.that(Ndr(), extensions=ERROR).raw(dcom.standard()).align(4).u32(0x80041010).done()
    found = orpc.read(stub("u", 3, request, response, object_uuid=dcom.IPID))
    assert found is not None
    assert found.complete
    assert (found.ipid, found.version, found.cid, found.extensions) == (dcom.IPID, (5, 7), dcom.CID, ())
    assert (found.reply_extensions, found.hresult) == ((dcom.ERROR_EXTENSION,), 0x80041010)
    assert found.error == ErrorInfo(dcom.IUNKNOWN, "WMI", "no such class")
    assert found.objects == (ObjectFacts(dcom.IPID, dcom.ICLASSFACTORY, dcom.OXID, dcom.OID),)
    assert found.passed == (ObjectFacts(dcom.REM_UNKNOWN_IPID, dcom.IUNKNOWN, dcom.OXID, dcom.OID),)


def test_heads_are_enough() -> None:
    """The causality is known where only 32 octets of the request are."""
    found = read_orpc(dcom.IPID, dcom.this(Ndr()).done(), None, None)
    assert found is not None
    assert (found.cid, found.complete, found.hresult, found.objects) == (dcom.CID, True, None, ())
    cut = read_orpc(dcom.IPID, dcom.this(Ndr(), extensions=ERROR).done()[:48], None, None)
    assert cut is not None
    assert (cut.cid, cut.complete) == (dcom.CID, False)


@pytest.mark.parametrize(
    "head",
    [
        dcom.this(Ndr(), version=(4, 7)).done(),
        dcom.this(Ndr(), version=(5, 0)).done(),
        dcom.this(Ndr(), version=(5, 8)).done(),
        dcom.this(Ndr(), flags=0x100).done(),
        dcom.this(Ndr()).done()[:31],
        dcom.this(Ndr()).done()[:8] + b"\1" + dcom.this(Ndr()).done()[9:],
        b"",
    ],
)
def test_what_is_no_orpc(head: bytes) -> None:
    assert not is_orpc(head)
    assert read_orpc(dcom.IPID, head, None, None) is None


def test_orpc_needs_an_object() -> None:
    """And octets that are not sealed."""
    request = dcom.this(Ndr()).done()
    assert orpc.read(stub("u", 3, request)) is None
    assert orpc.read(stub("u", 3, request, object_uuid=dcom.IPID, sealed=True)) is None


def test_another_version_is_refused() -> None:
    with pytest.raises(Malformed):
        read_this(NdrReader(Reader(dcom.this(Ndr(), version=(4, 0)).done(), "t")))


@pytest.mark.parametrize(("little_endian", "ndr64"), FORMS)
def test_damage(little_endian: bool, ndr64: bool) -> None:
    request = dcom.this(Ndr(little_endian=little_endian, ndr64=ndr64), extensions=ERROR).done()
    response = dcom.that(Ndr(little_endian=little_endian, ndr64=ndr64), extensions=ERROR).raw(dcom.standard()).done()
    call = stub("u", 3, request, response, object_uuid=dcom.IPID, little_endian=little_endian, ndr64=ndr64)
    survives(orpc.read, call)


@needs_shared
@pytest.mark.parametrize(
    "path",
    [
        SHARED / "public/dcom-classfactory-ntlm-fallback.pcap",
        SHARED / "public/LM_WMI_ProcessCallCreate.pcapng",
        SHARED / "netmon/MS-WMOD_Example4_WS2016_X64_Win10_X64_Domain_Hagala.cap",
    ],
    ids=name_of,
)
def test_against_tshark(path: Path) -> None:
    """Causality of every request, HRESULT and object identifiers of every answer, where tshark reads the interface.

    It leaves interfaces that it has no dissector for (IClassFactory, IWbemLevel1Login) unread, and of ITypeInfo every
    answer behind its ORPCTHAT; those must be in ours and are not compared."""
    calls = {captured.request_frame: (captured, orpc.read(captured.stub)) for captured in stubs(path)}
    rows = fields(path, "dcom.this.uuid && dcerpc.obj_id", "frame.number", "dcerpc.obj_id", "dcom.this.uuid")
    assert rows or path.suffix == ".cap"
    for frame, ipid, cid in rows:
        _, value = calls[int(frame)]
        assert value is not None
        assert (value.ipid, value.cid) == (ipid, cid), frame
    results = Counter(
        (int(frame), int(hresult.split(",")[-1], 16))
        for frame, hresult in fields(path, "dcom.that.flags && dcom.hresult", "frame.number", "dcom.hresult")
    )
    ours = Counter((captured.response_frame, captured.stub.result) for captured in stubs(path))
    assert results <= ours
