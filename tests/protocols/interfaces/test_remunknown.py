"""IRemUnknown's operations: built ones, and every one of the captures against tshark."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import dcom
from builders.ndr import Ndr
from protocols.interfaces.captured_stubs import stubs
from protocols.interfaces.reading import stub, survives
from shared_captures import SHARED, name_of, needs_shared
from tshark_reading import fields

from rpctrace.protocols.interfaces import remunknown
from rpctrace.protocols.interfaces.properties import ActivatedInterface
from rpctrace.protocols.interfaces.remunknown import InterfaceReference, RemUnknownCall
from rpctrace.protocols.interfaces.stub import IREMUNKNOWN, IREMUNKNOWN2, ObjectFacts, Stub

UUID, UUID_2 = IREMUNKNOWN, IREMUNKNOWN2
FORMS = [(True, False), (False, False), (True, True)]  # little endian, NDR64
IIDS = ("b196b28f-bab4-101a-b69c-00aa00341d07", "00020400-0000-0000-c000-000000000046")
NEW_IPID = "0000540b-0668-04ec-0970-935aa5a6059c"
REFUSED = ActivatedInterface(IIDS[0], dcom.E_NOINTERFACE, None, None, None)


def read(call: Stub) -> RemUnknownCall:
    found = remunknown.read(call)
    assert found is not None
    return found


def ndr(form: tuple[bool, bool]) -> Ndr:
    return Ndr(little_endian=form[0], ndr64=form[1])


def made(form: tuple[bool, bool], opnum: int, request: bytes, response: bytes) -> Stub:
    ipid = dcom.REM_UNKNOWN_IPID
    return stub(UUID_2, opnum, request, response, object_uuid=ipid, little_endian=form[0], ndr64=form[1])


def queried(form: tuple[bool, bool]) -> Stub:
    response = dcom.queried(ndr(form), [(dcom.E_NOINTERFACE, dcom.IUNKNOWN), (0, NEW_IPID)], 1)
    return made(form, 3, dcom.query_interface(ndr(form), IIDS), response)


@pytest.mark.parametrize("form", FORMS)
def test_query_interface(form: tuple[bool, bool]) -> None:
    """A refused interface has no object, whatever stands in its place."""
    found = read(queried(form))
    assert found.complete
    assert (found.operation, found.rem_unknown) == ("RemQueryInterface", dcom.REM_UNKNOWN_IPID)
    assert (found.cid, found.ipid, found.iids, found.hresult) == (dcom.CID, dcom.IPID, IIDS, 1)
    assert found.results == (REFUSED, ActivatedInterface(IIDS[1], 0, NEW_IPID, dcom.OXID, dcom.OID))
    assert list(remunknown.objects(found)) == [ObjectFacts(NEW_IPID, IIDS[1], dcom.OXID, dcom.OID)]


@pytest.mark.parametrize("form", FORMS)
def test_query_interface_2(form: tuple[bool, bool]) -> None:
    """The newer one answers with whole OBJREFs."""
    request = dcom.query_interface(ndr(form), IIDS, second=True)
    response = dcom.queried_2(ndr(form), [(dcom.E_NOINTERFACE, None), (0, dcom.standard(IIDS[1], NEW_IPID))])
    found = read(made(form, 6, request, response))
    assert found.complete
    assert found.results == (REFUSED, ActivatedInterface(IIDS[1], 0, NEW_IPID, dcom.OXID, dcom.OID))


@pytest.mark.parametrize("form", FORMS)
def test_references(form: tuple[bool, bool]) -> None:
    counts = [(dcom.IPID, 5, 0), (NEW_IPID, 1, 2)]
    request = dcom.references(ndr(form), counts)
    found = read(made(form, 4, request, dcom.added(ndr(form), [0, 0x80070057])))
    assert found.complete
    assert (found.operation, found.reference_results) == ("RemAddRef", (0, 0x80070057))
    assert found.references == tuple(InterfaceReference(*each) for each in counts)
    released = read(made(form, 5, request, dcom.that(ndr(form)).u32(0).done()))
    assert (released.operation, released.references, released.hresult) == ("RemRelease", found.references, 0)
    assert list(remunknown.objects(released)) == []


def test_an_answer_without_its_question() -> None:
    """The object is known, its interface is not."""
    response = dcom.queried(Ndr(), [(0, NEW_IPID)])
    (fact,) = remunknown.objects(read(stub(UUID, 3, None, response)))
    assert (fact.ipid, fact.iid) == (NEW_IPID, None)


def test_a_cut_leaves_the_results_before_it() -> None:
    call = queried((True, False))
    assert call.response is not None
    found = read(call._replace(response=call.response[:-20], cut=True))
    assert (found.results, found.hresult, found.complete) == ((REFUSED,), None, False)


def test_no_such_operation() -> None:
    assert remunknown.read(stub(UUID, 7, b"", b"")) is None


@pytest.mark.parametrize("form", FORMS)
def test_damage(form: tuple[bool, bool]) -> None:
    survives(remunknown.read, queried(form))
    request, response = dcom.references(ndr(form), [(dcom.IPID, 5, 0)]), dcom.added(ndr(form), [0])
    survives(remunknown.read, made(form, 4, request, response))


def test_impackets_calls() -> None:
    """RemQueryInterface as impacket marshals it, and our builder's answer as impacket reads it."""
    dcomrt = pytest.importorskip("impacket.dcerpc.v5.dcomrt")
    call = dcomrt.RemQueryInterface()
    call["ORPCthis"]["cid"], call["ORPCthis"]["extensions"] = dcom.uuid(dcom.CID), dcomrt.NULL
    call["ORPCthis"]["flags"] = 1
    call["ripid"], call["cRefs"], call["cIids"] = dcom.uuid(dcom.IPID), 1, 1
    iid = dcomrt.IID()
    iid["Data"] = dcom.uuid(IIDS[0])
    call["iids"].append(iid)
    found = read(stub(UUID, 3, call.getData()))
    assert found.complete
    assert (found.cid, found.ipid, found.iids) == (dcom.CID, dcom.IPID, IIDS[:1])
    reply = dcomrt.RemQueryInterfaceResponse(dcom.queried(Ndr(), [(0, NEW_IPID)]))
    assert reply["ppQIResults"]["std"]["ipid"] == dcom.uuid(NEW_IPID)
    assert reply["ppQIResults"]["std"]["oxid"] == dcom.OXID


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
    """IPIDs, IIDs, references, exporters and HRESULTs of every call.

    tshark names the called IPID before the others, and shows a refused interface's null object, which we leave out."""
    calls = [each for each in stubs(path) if each.stub.uuid in (UUID, UUID_2)]
    values = {frame: read(each.stub) for each in calls for frame in (each.request_frame, each.response_frame)}
    assert all(value.complete for value in values.values())
    asked = fields(
        path, "remunk.opnum && dcerpc.pkt_type == 0",
        "frame.number", "remunk.opnum", "dcom.ipid", "dcom.iid", "remunk.public_refs",
    )  # fmt: skip
    assert len(asked) == len(calls)
    for frame, opnum, ipids, iids, public in asked:
        value = values[int(frame)]
        named = [value.ipid] if opnum == "3" else [each.ipid for each in value.references]
        assert [value.rem_unknown, *named] == ipids.split(",")
        assert ",".join(value.iids) == iids
        assert ",".join(str(each.public) for each in value.references) == public
    answered = fields(
        path, "remunk.opnum && dcerpc.pkt_type == 2",
        "frame.number", "dcom.ipid", "dcom.oxid", "dcom.oid", "dcom.hresult",
    )  # fmt: skip
    assert len(answered) == len(calls)
    null = "00000000-0000-0000-0000-000000000000"
    for frame, ipids, oxids, oids, hresults in answered:
        value = values[int(frame)]
        objects = list(remunknown.objects(value))
        assert [value.rem_unknown, *(each.ipid for each in objects)] == [i for i in ipids.split(",") if i != null]
        assert [each.oxid for each in objects] == [int(each, 16) for each in oxids.split(",") if each.strip("0x")]
        assert [each.oid for each in objects] == [int(each, 16) for each in oids.split(",") if each.strip("0x")]
        told = [*(result.hresult for result in value.results), value.hresult]
        assert [int(each, 16) for each in hresults.split(",")] == told
