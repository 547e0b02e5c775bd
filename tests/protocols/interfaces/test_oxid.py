"""The object resolver's six operations; those of the captures against tshark; impacket as second opinion."""

from __future__ import annotations

import pytest
from builders import dcom
from builders.ndr import Ndr
from protocols.interfaces.captured_stubs import stubs
from protocols.interfaces.reading import stub, survives
from shared_captures import SHARED, needs_shared
from tshark_reading import fields

from rpctrace.protocols.interfaces import oxid
from rpctrace.protocols.interfaces.oxid import OxidAnswer
from rpctrace.protocols.interfaces.stub import IREMUNKNOWN, OBJECT_RESOLVER, ObjectFacts, Stub

FORMS = [(True, False), (False, False), (True, True)]  # little endian, NDR64
OR_INVALID_OXID = 0x776


def read(call: Stub) -> OxidAnswer:
    found = oxid.read(call)
    assert found is not None
    return found


def made(form: tuple[bool, bool], opnum: int, request: bytes | None, response: bytes | None) -> Stub:
    return stub(OBJECT_RESOLVER, opnum, request, response, little_endian=form[0], ndr64=form[1])


def ndr(form: tuple[bool, bool]) -> Ndr:
    return Ndr(little_endian=form[0], ndr64=form[1])


def resolving(form: tuple[bool, bool], opnum: int) -> Stub:
    response = dcom.resolved(ndr(form), version=opnum == 4, order="<" if form[0] else ">")
    return made(form, opnum, dcom.resolve_oxid(ndr(form), (7, 15)), response)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("opnum", "operation"), [(0, "ResolveOxid"), (4, "ResolveOxid2")])
def test_resolving(form: tuple[bool, bool], opnum: int, operation: str) -> None:
    """Bindings, IRemUnknown and hint of the exporter that was asked for; the second tells a version too."""
    found = read(resolving(form, opnum))
    assert found.complete
    assert (found.operation, found.oxid, found.requested_protocols) == (
        operation, dcom.OXID, ("ncacn_ip_tcp", "ncacn_np"),
    )  # fmt: skip
    assert [tuple(each) for each in found.bindings] == list(dcom.STRINGS)
    assert [tuple(each) for each in found.security_bindings] == list(dcom.SECURITIES)
    assert (found.ipid_rem_unknown, found.authn_hint, found.status) == (dcom.REM_UNKNOWN_IPID, 5, 0)
    assert found.server_version == ((5, 7) if opnum == 4 else None)
    assert {(each.port or each.pipe, each.oxid) for each in found.endpoints()} == {
        (49724, dcom.OXID),
        ("\\pipe\\atsvc", dcom.OXID),
    }
    assert list(oxid.objects(found)) == [ObjectFacts(dcom.REM_UNKNOWN_IPID, IREMUNKNOWN, dcom.OXID, None)]


def test_an_exporter_that_is_gone() -> None:
    found = read(stub(OBJECT_RESOLVER, 4, dcom.resolve_oxid(Ndr()), dcom.unresolved(Ndr(), OR_INVALID_OXID)))
    assert (found.complete, found.bindings, found.status) == (True, (), OR_INVALID_OXID)
    assert list(found.endpoints()) == list(oxid.objects(found)) == []


@pytest.mark.parametrize("form", FORMS)
def test_server_alive_2(form: tuple[bool, bool]) -> None:
    """The resolver's own bindings: names, but no endpoint of an exporter."""
    found = read(made(form, 5, b"", dcom.server_alive_2(ndr(form), "<" if form[0] else ">")))
    assert found.complete
    assert (found.operation, found.server_version, found.status) == ("ServerAlive2", (5, 7), 0)
    assert [binding.host for binding in found.bindings] == ["DC1", "192.0.2.10"]
    assert list(found.endpoints()) == []


def test_server_alive() -> None:
    found = read(stub(OBJECT_RESOLVER, 3, b"", bytes(4)))
    assert found == OxidAnswer("ServerAlive", status=0)


@pytest.mark.parametrize("form", FORMS)
def test_pings(form: tuple[bool, bool]) -> None:
    """A first ping, of set 0, learns its set from the answer."""
    simple = read(made(form, 1, ndr(form).u64(77).done(), bytes(4)))
    assert (simple.operation, simple.set_id, simple.status) == ("SimplePing", 77, 0)
    request = dcom.complex_ping(ndr(form), 0, [dcom.OID, 5], [])
    found = read(made(form, 2, request, ndr(form).u64(78).u16(0).u32(0).done()))
    assert found.complete
    assert (found.set_id, found.added, found.deleted, found.status) == (78, (dcom.OID, 5), (), 0)
    assert read(made(form, 2, dcom.complex_ping(ndr(form), 9, [], [1]), None)).deleted == (1,)


def test_no_such_operation() -> None:
    assert oxid.read(stub(OBJECT_RESOLVER, 6, b"", b"")) is None


@pytest.mark.parametrize("form", FORMS)
def test_damage(form: tuple[bool, bool]) -> None:
    survives(oxid.read, resolving(form, 4))
    survives(oxid.read, made(form, 2, dcom.complex_ping(ndr(form), 9, [3], [1]), ndr(form).u64(9).u16(0).u32(0).done()))


def test_impackets_calls() -> None:
    dcomrt = pytest.importorskip("impacket.dcerpc.v5.dcomrt")
    call = dcomrt.ResolveOxid2()
    call["pOxid"], call["cRequestedProtseqs"], call["arRequestedProtseqs"] = 0x1122334455667788, 1, (7,)
    found = read(stub(OBJECT_RESOLVER, 4, call.getData()))
    assert (found.oxid, found.requested_protocols) == (0x1122334455667788, ("ncacn_ip_tcp",))
    reply = dcomrt.ResolveOxid2Response(dcom.resolved(Ndr(), version=True))
    assert reply["pAuthnHint"] == 5
    assert reply["ppdsaOxidBindings"]["wNumEntries"] == (len(dcom.bindings()) - 4) // 2


@needs_shared
def test_against_tshark() -> None:
    """ServerAlive2 of the class factory's capture, SimplePing of the master key's."""
    path = SHARED / "public/dcom-classfactory-ntlm-fallback.pcap"
    (captured,) = [each for each in stubs(path) if each.stub.uuid == OBJECT_RESOLVER]
    found = read(captured.stub)
    ((major, minor, addresses, services),) = fields(
        path, "oxid && dcerpc.pkt_type == 2", "dcom.version_major", "dcom.version_minor",
        "dcom.dualstringarray.network_addr", "dcom.dualstringarray.security_authn_svc",
    )  # fmt: skip
    assert found.server_version == (int(major), int(minor))
    assert addresses == ",".join(binding.network_address for binding in found.bindings)
    assert [int(each, 16) for each in services.split(",")] == [each.authn_service for each in found.security_bindings]
    path = SHARED / "public/CA_masterkey_rpc_protectedstorage.pcapng"
    (captured,) = [each for each in stubs(path) if each.stub.uuid == OBJECT_RESOLVER]
    ((set_id,),) = fields(path, "oxid.setid", "oxid.setid")
    assert read(captured.stub).set_id == int(set_id, 16)
