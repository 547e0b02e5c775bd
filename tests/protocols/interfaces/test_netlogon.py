"""Secure channels and logons: built ones of every level, sealed ones, and those of the captures against tshark."""

from __future__ import annotations

from collections import Counter

import pytest
from builders import netlogon_rpc as build
from builders.ndr import Ndr
from protocols.interfaces.captured_stubs import stubs
from protocols.interfaces.reading import stub, survives
from shared_captures import SHARED, captures_in, name_of, needs_shared
from tshark_reading import fields

from rpctrace.protocols.interfaces.netlogon import LOGONS, LogonIdentity, LogonLevel, SecureChannelType, read
from rpctrace.protocols.interfaces.stub import NETLOGON

UUID = NETLOGON
FORMS = [(True, False), (False, False), (True, True)]  # little endian, NDR64
ACCESS_DENIED, WRONG_PASSWORD = 0xC0000022, 0xC000006A


def ndr(form: tuple[bool, bool]) -> Ndr:
    return Ndr(little_endian=form[0], ndr64=form[1])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("server", ["\\\\DC1", None])
def test_challenge(form: tuple[bool, bool], server: str | None) -> None:
    request = build.challenge(ndr(form), server, "MEMBER")
    found = read(stub(UUID, 4, request, bytes(12), little_endian=form[0], ndr64=form[1]))
    assert (found.operation, found.computer_name, found.is_logon) == ("NetrServerReqChallenge", "MEMBER", False)
    assert (found.complete, found.status) == (True, 0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("opnum", "asked", "rid"), [(5, None, None), (15, 0x600FFFFF, None), (26, 0x612FFFFF, 1103)])
def test_authenticate(form: tuple[bool, bool], opnum: int, asked: int | None, rid: int | None) -> None:
    """The three generations: account, kind of channel, computer, flags, status."""
    request = build.authenticate(ndr(form), "MEMBER$", 2, "MEMBER", asked)
    response = build.authenticated(ndr(form), None if asked is None else 0x4000, rid, ACCESS_DENIED)
    found = read(stub(UUID, opnum, request, response, little_endian=form[0], ndr64=form[1]))
    assert found.complete
    assert (found.account_name, found.computer_name) == ("MEMBER$", "MEMBER")
    assert found.channel_type is SecureChannelType.WORKSTATION
    assert (found.asked_flags, found.negotiated_flags) == (asked, None if asked is None else 0x4000)
    assert found.status == ACCESS_DENIED


def test_an_unknown_channel_type_stays_a_number() -> None:
    found = read(stub(UUID, 26, build.authenticate(Ndr(), "a$", 9, "a", 0)))
    assert found.channel_type == 9


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("level", list(LogonLevel))
@pytest.mark.parametrize("opnum", sorted(LOGONS))
def test_logons(form: tuple[bool, bool], level: LogonLevel, opnum: int) -> None:
    """Every level through every operation: what stands behind the union is reached too."""
    request = {
        2: lambda: build.sam_logon(ndr(form), level, build.ACCOUNT),
        3: lambda: build.sam_logoff(ndr(form), level, build.ACCOUNT),
        39: lambda: build.sam_logon_ex(ndr(form), level, build.ACCOUNT),
        45: lambda: build.sam_logon(ndr(form), level, build.ACCOUNT, flags=0),
    }[opnum]()
    response = build.logged_on(ndr(form), WRONG_PASSWORD)
    found = read(stub(UUID, opnum, request, response, little_endian=form[0], ndr64=form[1]))
    assert found.complete
    assert (found.is_logon, found.logon_level, found.computer_name) == (True, level, "MEMBER")
    package = "Kerberos" if level is LogonLevel.GENERIC else None
    assert found.logon == LogonIdentity("EXAMPLE", "novice", "NOVICE-PC", package)
    assert found.validation_level == (None if opnum == 3 else 6)
    assert found.status == WRONG_PASSWORD


def test_names_that_are_not_sent() -> None:
    """Kerberos' PAC validation names nobody: null and empty are not the same."""
    found = read(stub(UUID, 39, build.sam_logon_ex(Ndr(), 4, (None, "", None))))
    assert found.logon == LogonIdentity(None, "", None, "Kerberos")


def test_an_unknown_level_is_told_and_not_read() -> None:
    request = Ndr().optional_text(None).optional_text(None).enumeration(9).enumeration(9).pointer().raw(bytes(80))
    found = read(stub(UUID, 39, request.done()))
    assert (found.logon_level, found.logon) == (9, None)


@pytest.mark.parametrize(("opnum", "is_logon"), [(2, 1), (3, 1), (39, 1), (45, 1), (26, 0), (29, 0)])
def test_a_sealed_call_tells_what_it_is_and_its_size(opnum: int, is_logon: bool) -> None:
    found = read(stub(UUID, opnum, bytes(996), bytes(984), sealed=True))
    assert (found.sealed, found.is_logon, found.complete) == (True, is_logon, True)
    assert (found.request_octets, found.response_octets, found.status) == (996, 984, None)
    assert (found.account_name, found.logon) == (None, None)


def test_an_operation_without_a_name() -> None:
    assert read(stub(UUID, 999, b"", bytes(4))).operation == "opnum 999"


def test_a_cut_leaves_the_names_before_it() -> None:
    request = build.authenticate(Ndr(), "MEMBER$", 2, "MEMBER", 0)
    found = read(stub(UUID, 26, request[:-20], cut=True))
    assert (found.account_name, found.computer_name, found.asked_flags) == ("MEMBER$", None, None)
    assert found.problem is not None


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("level", [2, 4, 8])
def test_damage(form: tuple[bool, bool], level: int) -> None:
    request, response = build.sam_logon_ex(ndr(form), level, build.ACCOUNT), build.logged_on(ndr(form), 0)
    survives(read, stub(UUID, 39, request, response, little_endian=form[0], ndr64=form[1]))


def test_impackets_calls() -> None:
    """What impacket marshals is read as what it was given."""
    nrpc = pytest.importorskip("impacket.dcerpc.v5.nrpc")
    call = nrpc.NetrServerAuthenticate3()
    call["PrimaryName"], call["AccountName"], call["ComputerName"] = "\\\\DC1\0", "MEMBER$\0", "MEMBER\0"
    call["SecureChannelType"] = nrpc.NETLOGON_SECURE_CHANNEL_TYPE.WorkstationSecureChannel
    call["ClientCredential"], call["NegotiateFlags"] = b"12345678", 0x600FFFFF
    found = read(stub(UUID, 26, call.getData()))
    assert (found.account_name, found.computer_name, found.channel_type, found.asked_flags) == (
        "MEMBER$", "MEMBER", 2, 0x600FFFFF,
    )  # fmt: skip
    logon = nrpc.NetrLogonSamLogonEx()
    logon["LogonServer"], logon["ComputerName"] = "\\\\DC1\0", "MEMBER\0"
    logon["LogonLevel"] = nrpc.NETLOGON_LOGON_INFO_CLASS.NetlogonNetworkInformation
    information = logon["LogonInformation"]
    information["tag"] = nrpc.NETLOGON_LOGON_INFO_CLASS.NetlogonNetworkInformation
    identity = information["LogonNetwork"]["Identity"]
    identity["LogonDomainName"], identity["UserName"], identity["Workstation"] = "EXAMPLE", "novice", "PC"
    information["LogonNetwork"]["LmChallenge"] = b"12345678"
    information["LogonNetwork"]["NtChallengeResponse"] = b"n" * 24
    information["LogonNetwork"]["LmChallengeResponse"] = b"l" * 24
    logon["ValidationLevel"] = nrpc.NETLOGON_VALIDATION_INFO_CLASS.NetlogonValidationSamInfo4
    logon["ExtraFlags"] = 1
    found = read(stub(UUID, 39, logon.getData()))
    assert found.complete
    assert found.logon == LogonIdentity("EXAMPLE", "novice", "PC", None)
    assert (found.logon_level, found.validation_level) == (2, 6)


WITH_NETLOGON = (
    "rpc.schannel", "CVE-2020-1472", "00-trust", "MS-GPOD", "MS-AUTHSOD_Example3", "test_2nd", "test_last_c",
)  # fmt: skip
CAPTURES = [
    SHARED / "public/dcerpc_msnrpc.pcapng.gz",
    *(path for path in captures_in(SHARED) if path.name.startswith(WITH_NETLOGON)),
]


@needs_shared
@pytest.mark.parametrize("path", CAPTURES, ids=name_of)
def test_against_tshark(path: object) -> None:
    """Accounts, computers, channel types, flags and statuses of every call that is not sealed, and every operation.

    Operation 21 is left out of the statuses: tshark 4.0 reads NetrLogonGetCapabilities as the routine that stood there
    before, takes a null pointer for its status and calls the rest a long frame."""
    calls = [captured for captured in stubs(path) if captured.stub.uuid == UUID]
    values = [(captured, read(captured.stub)) for captured in calls]
    assert all(value.complete for _, value in values)
    piped = "tcp && !smb && !smb2"
    opnums = fields(path, f"rpc_netlogon && dcerpc.pkt_type == 0 && {piped}", "frame.number", "netlogon.opnum")
    ours = Counter((str(captured.request_frame), str(captured.stub.opnum)) for captured in calls)
    assert Counter(opnums) <= ours
    shown = fields(
        path, f"netlogon.acct_name && netlogon.sec_chan_type && dcerpc.pkt_type == 0 && {piped}",
        "frame.number", "netlogon.acct_name", "netlogon.computer_name", "netlogon.sec_chan_type", "netlogon.neg_flags",
    )  # fmt: skip
    assert Counter(shown) == Counter(
        (
            str(captured.request_frame),
            value.account_name,
            value.computer_name,
            f"{value.channel_type:d}",
            "" if value.asked_flags is None else f"0x{value.asked_flags:08x}",
        )
        for captured, value in values
        if value.account_name is not None
    )
    returned = f"netlogon.rc && netlogon.opnum != 21 && dcerpc.pkt_type == 2 && {piped}"
    statuses = fields(path, returned, "frame.number", "netlogon.rc")
    assert Counter(statuses) <= Counter(
        (str(captured.response_frame), f"0x{value.status:08x}")
        for captured, value in values
        if value.status is not None
    )
    logons = fields(
        path, f"netlogon.acct_name && netlogon.level16 && dcerpc.pkt_type == 0 && {piped}",
        "frame.number", "netlogon.acct_name", "netlogon.wkst.name", "netlogon.level16",
    )  # fmt: skip
    assert Counter(logons) == Counter(
        (
            str(captured.request_frame),
            value.logon.user,
            value.logon.workstation,
            f"{value.logon_level:d},{value.logon_level:d}",
        )
        for captured, value in values
        if value.logon is not None and value.logon_level is not None
    )
