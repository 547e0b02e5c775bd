"""Activations: built ones of all three operations; those of captures against tshark, and against what came after."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import dcom
from builders.ndr import Ndr
from protocols.interfaces.captured_stubs import stubs
from protocols.interfaces.reading import stub, survives
from shared_captures import SHARED, name_of, needs_shared
from tshark_reading import fields

from rpctrace.protocols.interfaces import activation
from rpctrace.protocols.interfaces.activation import ACTIVATION, REMOTE_SCM_ACTIVATOR, Activation
from rpctrace.protocols.interfaces.properties import ActivatedInterface
from rpctrace.protocols.interfaces.stub import IREMUNKNOWN, ObjectFacts, Stub

FORMS = [(True, False), (False, False), (True, True)]  # little endian, NDR64
OTHER_IID = "f309ad18-d86a-11d0-a075-00c04fb68820"
ASKED = (
    dcom.special_properties(), dcom.instantiation_info(iids=(dcom.ICLASSFACTORY, OTHER_IID)),
    dcom.activation_context(), dcom.security_info("192.0.2.10"), dcom.location_info(None), dcom.scm_request_info(),
)  # fmt: skip
RESULTS = [(dcom.ICLASSFACTORY, 0, dcom.standard()), (OTHER_IID, dcom.E_NOINTERFACE, None)]
GIVEN = (dcom.props_out(RESULTS), dcom.scm_reply_info())
REGDB_E_CLASSNOTREG = 0x80040154


def read(call: Stub) -> Activation:
    found = activation.read(call)
    assert found is not None
    return found


def activated(form: tuple[bool, bool], opnum: int) -> Stub:
    def ndr() -> Ndr:
        return Ndr(little_endian=form[0], ndr64=form[1])

    request = dcom.activation_request(ndr(), ASKED, creates=opnum == 4)
    response = dcom.activation_response(ndr(), GIVEN)
    return stub(REMOTE_SCM_ACTIVATOR, opnum, request, response, little_endian=form[0], ndr64=form[1])


def classic(form: tuple[bool, bool]) -> Stub:
    def ndr() -> Ndr:
        return Ndr(little_endian=form[0], ndr64=form[1])

    request = dcom.remote_activation_request(ndr(), iids=(dcom.ICLASSFACTORY, OTHER_IID))
    results = [(hresult, octets) for _, hresult, octets in RESULTS]
    response = dcom.remote_activation_response(ndr(), results, order="<" if form[0] else ">")
    return stub(ACTIVATION, 0, request, response, little_endian=form[0], ndr64=form[1])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("opnum", "operation"), [(3, "RemoteGetClassObject"), (4, "RemoteCreateInstance")])
def test_activation(form: tuple[bool, bool], opnum: int, operation: str) -> None:
    """The blob is little endian NDR inside, whatever the call is."""
    found = read(activated(form, opnum))
    assert found.complete
    assert (found.operation, found.cid, found.clsid) == (operation, dcom.CID, dcom.CLSID)
    assert (found.iids, found.server_name) == ((dcom.ICLASSFACTORY, OTHER_IID), "192.0.2.10")
    assert (found.session_id, found.requested_protocols) == (None, ("ncacn_ip_tcp", "ncacn_np"))
    assert (found.oxid, found.ipid_rem_unknown, found.authn_hint) == (dcom.OXID, dcom.REM_UNKNOWN_IPID, 5)
    assert found.results[1] == ActivatedInterface(OTHER_IID, dcom.E_NOINTERFACE, None, None, None)
    assert found.hresult == 0


@pytest.mark.parametrize("form", FORMS)
def test_remote_activation(form: tuple[bool, bool]) -> None:
    """The older interface: no blob, everything in the stub's own order."""
    found = read(classic(form))
    assert found.complete
    assert (found.operation, found.cid, found.clsid) == ("RemoteActivation", dcom.CID, dcom.CLSID)
    assert (found.iids, found.requested_protocols) == ((dcom.ICLASSFACTORY, OTHER_IID), ("ncacn_ip_tcp",))
    assert (found.oxid, found.ipid_rem_unknown, found.authn_hint) == (dcom.OXID, dcom.REM_UNKNOWN_IPID, 4)
    assert found.results == (
        ActivatedInterface(dcom.ICLASSFACTORY, 0, dcom.IPID, dcom.OXID, dcom.OID),
        ActivatedInterface(OTHER_IID, dcom.E_NOINTERFACE, None, None, None),
    )
    assert (found.server_version, found.hresult) == ((5, 7), 0)
    assert [tuple(each) for each in found.bindings] == list(dcom.STRINGS)


def test_a_result_of_the_object_and_one_of_the_service() -> None:
    """RemoteActivation returns the activation's HRESULT beside its own status, which counts where it is an error."""
    for hresult, status, told in ((REGDB_E_CLASSNOTREG, 0, REGDB_E_CLASSNOTREG), (0, 5, 5)):
        response = dcom.remote_activation_response(Ndr(), [], hresult=hresult, status=status)
        assert read(stub(ACTIVATION, 0, None, response)).hresult == told


def test_a_refused_activation() -> None:
    found = read(stub(REMOTE_SCM_ACTIVATOR, 4, None, dcom.activation_response(Ndr(), None, REGDB_E_CLASSNOTREG)))
    assert (found.complete, found.hresult, found.oxid, found.results) == (True, REGDB_E_CLASSNOTREG, None, ())


def test_what_it_tells_others() -> None:
    found = read(activated((True, False), 3))
    places = [(each.address, each.port, each.pipe) for each in found.endpoints()]
    assert places == [("DC1", 49724, None), ("192.0.2.10", 49724, None), ("DC1", None, "\\pipe\\atsvc")]
    assert {(each.oxid, each.ipid_rem_unknown, each.clsid) for each in found.endpoints()} == {
        (dcom.OXID, dcom.REM_UNKNOWN_IPID, dcom.CLSID)
    }
    assert list(activation.objects(found)) == [
        ObjectFacts(dcom.REM_UNKNOWN_IPID, IREMUNKNOWN, dcom.OXID, None),
        ObjectFacts(dcom.IPID, dcom.ICLASSFACTORY, dcom.OXID, dcom.OID),
    ]


def test_an_answer_alone_names_its_interfaces() -> None:
    """Of the older interface by the OBJREF itself, where the question was not captured."""
    found = read(classic((True, False))._replace(request=None))
    assert [result.iid for result in found.results] == [dcom.ICLASSFACTORY, None]


def test_sealed_and_other_operations() -> None:
    sealed = read(activated((True, False), 4)._replace(sealed=True))
    assert sealed == Activation("RemoteCreateInstance")
    assert activation.read(stub(REMOTE_SCM_ACTIVATOR, 2, b"")) is None


@pytest.mark.parametrize("form", FORMS)
def test_damage(form: tuple[bool, bool]) -> None:
    survives(activation.read, activated(form, 3))
    survives(activation.read, classic(form))


CAPTURES = [
    SHARED / "public" / name
    for name in (
        "dcom-classfactory-ntlm-fallback.pcap",
        "LM_WMI_ProcessCallCreate.pcapng",
        "kerberos135_auth.pcapng",
    )
]


@needs_shared
@pytest.mark.parametrize("path", CAPTURES, ids=name_of)
def test_against_tshark(path: Path) -> None:
    """Class, interfaces, results, exporter, IRemUnknown, bindings and HRESULT of each activation.

    tshark shows the IPIDs of results and the exporter's own; the addresses of OBJREFs stand among the bindings."""
    (captured,) = [each for each in stubs(path) if each.stub.uuid == REMOTE_SCM_ACTIVATOR]
    found = read(captured.stub)
    assert found.complete
    ((clsid, iids, cid, name, protocols),) = fields(
        path, f"frame.number == {captured.request_frame}", "isystemactivator.properties.instninfo.clsid",
        "isystemactivator.properties.instninfo.iid", "dcom.this.uuid", "isystemactivator.properties.si.ci.name",
        "isystemactivator.properties.sri.protseq",
    )  # fmt: skip
    assert (clsid, iids, cid, protocols) == (found.clsid, ",".join(found.iids), found.cid, "7")
    assert name in (found.server_name, "")  # shown as text of its parent in some versions
    ((oxid, ipid, hint, retvals, hresult, oids, ipids, addresses),) = fields(
        path, f"frame.number == {captured.response_frame}", "isystemactivator.properties.scmresp.oxid",
        "isystemactivator.properties.scmresp.rmtunknid", "isystemactivator.properties.scmresp.authhint",
        "isystemactivator.properties.retval", "dcom.hresult", "dcom.oid", "dcom.ipid",
        "dcom.dualstringarray.network_addr",
    )  # fmt: skip
    assert int(oxid, 16) == found.oxid
    assert (ipid, int(hint)) == (found.ipid_rem_unknown, found.authn_hint)
    assert [int(each, 0) for each in retvals.split(",")] == [result.hresult for result in found.results]
    assert int(hresult.split(",")[-1], 16) == found.hresult == 0
    assert [int(each, 16) for each in oids.split(",")] == [result.oid for result in found.results]
    assert ipids.split(",")[: len(found.results)] == [result.ipid for result in found.results]
    theirs = addresses.split(",")
    assert sorted(theirs[-len(found.bindings) :]) == sorted(each.network_address for each in found.bindings)


@needs_shared
def test_the_answer_names_the_connection_that_follows() -> None:
    """dcom-classfactory-ntlm-fallback: RemoteGetClassObject's answer names the port on which the alter_context for
    IClassFactory came later, and the IPID that was called there."""
    calls = stubs(CAPTURES[0])
    (asked,) = [each for each in calls if each.stub.uuid == REMOTE_SCM_ACTIVATOR]
    found = read(asked.stub)
    assert found.iids == (dcom.ICLASSFACTORY,)
    (factory_call,) = [each for each in calls if each.stub.uuid == dcom.ICLASSFACTORY]
    named = {(each.address, each.port) for each in found.endpoints()}
    assert factory_call.server in named
    exporter, given = activation.objects(found)
    assert exporter.ipid == found.ipid_rem_unknown
    assert (given.ipid, given.iid) == (factory_call.stub.object_uuid, dcom.ICLASSFACTORY)
    alter_contexts = fields(
        CAPTURES[0], f"dcerpc.pkt_type == 14 && dcerpc.cn_bind_to_uuid == {dcom.ICLASSFACTORY}", "ip.dst", "tcp.dstport"
    )
    assert alter_contexts
    assert {(address, int(port)) for address, port in alter_contexts} <= named
    rem_unknown = [each for each in calls if each.stub.object_uuid == found.ipid_rem_unknown]
    assert rem_unknown
    assert {each.server for each in rem_unknown} <= named


class _Asked(Exception):
    """Carries what impacket would have sent."""


class _Portmap:
    """As much of impacket's connection as an activation needs."""

    def bind(self, _interface: object) -> None:
        pass

    def request(self, call: object) -> None:
        raise _Asked(call.getData() + call.getDataReferents() if hasattr(call, "getDataReferents") else call.getData())


@pytest.mark.parametrize(
    ("client", "method", "uuid", "opnum"),
    [
        ("IRemoteSCMActivator", "RemoteGetClassObject", REMOTE_SCM_ACTIVATOR, 3),
        ("IRemoteSCMActivator", "RemoteCreateInstance", REMOTE_SCM_ACTIVATOR, 4),
        ("IActivation", "RemoteActivation", ACTIVATION, 0),
    ],
)
def test_impackets_activations(client: str, method: str, uuid: str, opnum: int) -> None:
    """What impacket's clients send is read as what they were asked for."""
    dcomrt = pytest.importorskip("impacket.dcerpc.v5.dcomrt")
    with pytest.raises(_Asked) as asked:
        getattr(getattr(dcomrt, client)(_Portmap()), method)(dcom.uuid(dcom.CLSID), dcom.uuid(OTHER_IID))
    found = read(stub(uuid, opnum, asked.value.args[0]))
    assert found.complete
    assert (found.operation, found.clsid, found.iids) == (method, dcom.CLSID, (OTHER_IID,))
    assert found.requested_protocols == ("ncacn_ip_tcp",)


def test_impacket_reads_the_builders_answer() -> None:
    """So that builder and reader do not agree on a mistake."""
    dcomrt = pytest.importorskip("impacket.dcerpc.v5.dcomrt")
    reply = dcomrt.RemoteActivationResponse(dcom.remote_activation_response(Ndr(), [(0, dcom.standard())]))
    assert (reply["pOxid"], reply["pAuthnHint"], reply["phr"]) == (dcom.OXID, 4, 0)
    assert reply["pipidRemUnknown"] == dcom.uuid(dcom.REM_UNKNOWN_IPID)
    pointer = dcomrt.OBJREF_STANDARD(b"".join(reply["ppInterfaceData"][0]["abData"]))
    assert pointer["std"]["ipid"] == dcom.uuid(dcom.IPID)
