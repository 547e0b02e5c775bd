"""Activation, ORPC and Netlogon calls as the report shows them."""

from __future__ import annotations

from rpctrace.assembly import stub_data
from rpctrace.protocols.interfaces.activation import Activation
from rpctrace.protocols.interfaces.bindings import SecurityBinding, StringBinding
from rpctrace.protocols.interfaces.epm import EndpointAnswer
from rpctrace.protocols.interfaces.netlogon import LogonIdentity, LogonLevel, NetlogonCall
from rpctrace.protocols.interfaces.orpc import OrpcCall
from rpctrace.protocols.interfaces.properties import ActivatedInterface
from rpctrace.protocols.interfaces.stub import ObjectFacts

IUNKNOWN = "00000000-0000-0000-c000-000000000046"
MMC = "49b2791a-b1ae-4c90-9b8e-e860ba07f889"


def test_an_activation() -> None:
    """Class and interface with their names, where the object is, and with which principal."""
    said = Activation(
        "RemoteCreateInstance", cid="c" * 8, clsid=MMC, session_id=3, server_name="DC1",
        results=(ActivatedInterface(IUNKNOWN, 0x80004002, None, None, None),), oxid=0xAB, authn_hint=5,
        bindings=(StringBinding(7, "DC1[49724]"),), security_bindings=(SecurityBinding(9, 0xFFFF, "host/dc1"),),
        hresult=0x80070005, problem=None,
    )  # fmt: skip
    told = stub_data.dcom(said)
    assert told is not None
    assert (told.class_name, told.session_id, told.server_name) == ("MMC20.Application", 3, "DC1")
    assert (told.hresult_hex, told.oxid, told.bindings) == (
        "0x80070005", "0x00000000000000ab", ("ncacn_ip_tcp:DC1[49724]",),
    )  # fmt: skip
    assert told.hresult_name
    assert [(each.name, each.hresult_name) for each in told.pointers] == [("IUnknown", "E_NOINTERFACE")]
    (principal,) = told.principals
    assert principal.endswith(":host/dc1")
    assert told.authn_hint_name == "RPC_C_AUTHN_LEVEL_PKT_INTEGRITY"


def test_a_call_on_an_object() -> None:
    """Causality id, object and what it returned."""
    told = stub_data.dcom(OrpcCall("ipid", (5, 7), "cid", hresult=0, problem=None))
    assert told is not None
    assert (told.causality_id, told.ipid, told.hresult, told.hresult_name) == ("cid", "ipid", 0, "S_OK")
    assert told.pointers == ()


def test_pointers_that_a_call_hands_over() -> None:
    """Those of the answer and those that the client gave along; no HRESULT speaks of them."""
    given, passed = ObjectFacts("one", IUNKNOWN, 0xAB, 0xCD), ObjectFacts("two", None, None, None)
    told = stub_data.dcom(OrpcCall("ipid", (5, 7), "cid", objects=(given,), passed=(passed,), problem=None))
    assert told is not None
    assert [(each.ipid, each.name, each.oxid, each.oid, each.hresult) for each in told.pointers] == [
        ("one", "IUnknown", "0x00000000000000ab", "0x00000000000000cd", None),
        ("two", None, None, None, None),
    ]


def test_a_logon_in_clear_and_one_that_is_sealed() -> None:
    """Generic with its package; of the sealed one operation and lengths."""
    logon = LogonIdentity("child.DomainA.COM", None, None, "Kerberos")
    said = NetlogonCall(
        "NetrLogonSamLogonEx", True, False, 700, 60, logon_level=LogonLevel(4), logon=logon, status=0xC0000064,
        problem=None,
    )  # fmt: skip
    told = stub_data.secure_channel(said)
    assert told is not None
    assert (told.domain, told.package, told.logon_level, told.status_name) == (
        "child.DomainA.COM", "Kerberos", 4, "STATUS_NO_SUCH_USER",
    )  # fmt: skip
    assert told.logon_level_name
    sealed = stub_data.secure_channel(NetlogonCall("NetrLogonSamLogonEx", True, True, 752, 80, problem=None))
    assert sealed is not None
    assert (sealed.is_logon, sealed.request_octets, sealed.response_octets, sealed.status) == (True, 752, 80, None)


def test_the_flags_of_a_channel_that_is_set_up() -> None:
    """What was asked for, and what the domain controller made of it ([MS-NRPC] 3.1.4.2)."""
    said = NetlogonCall(
        "NetrServerAuthenticate3", False, False, 100, 24, asked_flags=0x612FFFFF, negotiated_flags=0x600FFFFF,
        problem=None,
    )  # fmt: skip
    told = stub_data.secure_channel(said)
    assert told is not None
    assert (told.asked_flags, told.negotiated_flags) == (0x612FFFFF, 0x600FFFFF)


def test_what_is_no_call_on_an_object() -> None:
    """An answer of the endpoint mapper is an endpoint."""
    said = EndpointAnswer("ept_map", problem=None)
    assert stub_data.dcom(said) is None
