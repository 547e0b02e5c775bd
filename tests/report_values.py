"""Hand-made Reports for the tests of renderings: the support article's trace, an empty, a full and a hostile one."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from rpctrace.report import (
    Auth,
    Authentication,
    Call,
    CaptureFacts,
    Clock,
    Endpoint,
    ErrorParameter,
    Etype,
    Event,
    EvidenceItem,
    ExtendedError,
    FaultFacts,
    Finding,
    Host,
    HostClock,
    Interface,
    KerberosExchange,
    Limit,
    LogEntry,
    LogFacts,
    LogLine,
    Ntlm,
    PaData,
    PduLine,
    ProblemEntry,
    ReferralPath,
    Report,
    Stream,
    Summary,
    Ticket,
    TicketName,
    Tool,
    Unfiltered,
)

TOOL = Tool("rpctrace", "0.1.0")
CLIENT = Host("10.2.0.21", 49834, None)
SERVER = Host("10.3.0.33", 52042, None)
START_NS = 1_330_852_502_000_000_000
START = "2012-03-04T09:15:02.000000000Z"
LATER_NS = START_NS + 13_500_000_000
LATER = "2012-03-04T09:15:15.500000000Z"
ICLASSFACTORY = Interface(
    context_id=0,
    uuid="00000001-0000-0000-c000-000000000046",
    version="0.0",
    name="IClassFactory",
    transfer_syntax="8a885d04-1ceb-11c9-9fe8-08002b104860",
    transfer_syntax_name="NDR",
    result=None,
    result_name=None,
    reason=None,
    reason_name=None,
)
TICKET = Ticket(
    realm="child.domainA.COM",
    sname=("novice",),
    name_type=1,
    name_type_name="NT-PRINCIPAL",
    etype=18,
    etype_name="aes256-cts-hmac-sha1-96",
    authenticator_etype=18,
    kvno=None,
    ap_options=("use-session-key", "mutual-required"),
    user_to_user=True,
    presented_in="alter_context",
    frame=22,
)
KERBEROS = Auth(
    context_id=0,
    auth_type=9,
    auth_type_name="GSS_NEGOTIATE",
    mechanism="kerberos",
    level=6,
    level_name="PKT_PRIVACY",
    token="AP-REQ",
    reply_token=None,
    kerberos_error=None,
    kerberos_error_name=None,
    ntlm=None,
)
EXTENDED_ERROR = ExtendedError(
    computer="NOVICE",
    pid=652,
    time_ns=START_NS,
    time=START,
    component=8,
    component_name="security provider",
    status=0xC0000064,
    status_hex="0xc0000064",
    status_name="STATUS_NO_SUCH_USER",
    location=72,
    location_name="second or later token",
    parameters=(ErrorParameter("integer", 2**63), ErrorParameter("text", "novice"), ErrorParameter("none", None)),
)


def capture(**changes: Any) -> CaptureFacts:
    facts = CaptureFacts(
        path="expert.cap",
        format="netmon",
        compression=None,
        frames=29,
        bytes=7012,
        first_ns=START_NS,
        first_time=START,
        last_ns=LATER_NS,
        last_time=LATER,
        complete=True,
        stopped_at=None,
    )
    return replace(facts, **changes)


def refused_call(**changes: Any) -> Call:
    """The article's alter_context and its fault."""
    call = Call(
        id="call-3",
        capture=0,
        connection="tcp-1",
        kind="alter_context",
        transport="ncacn_ip_tcp",
        client=CLIENT,
        server=SERVER,
        pipe=None,
        call_id=2,
        activity=None,
        sequence=None,
        association_group=0x5E68,
        header_signing=True,
        presentation_context_id=None,
        object_uuid=None,
        interfaces=(ICLASSFACTORY,),
        opnum=None,
        operation=None,
        max_xmit=5840,
        max_recv=5840,
        request_frames=(22,),
        request_ns=START_NS,
        request_time=START,
        reply_frames=(23,),
        reply_ns=START_NS + 42_000_000,
        reply_time="2012-03-04T09:15:02.042000000Z",
        reply="fault",
        answer_expected=True,
        outcome="faulted",
        status=0x721,
        status_hex="0x00000721",
        status_name="RPC_S_SEC_PKG_ERROR",
        reject_reason=None,
        reject_reason_name=None,
        fault=FaultFacts(context_id=0, cancel_count=0, did_not_execute=True),
        extended_error=None,
        auth=KERBEROS,
        ticket=TICKET,
        partial=False,
        notes=(),
    )
    return replace(call, **changes)


def answered_call(**changes: Any) -> Call:
    call = refused_call(
        id="call-9",
        kind="request",
        presentation_context_id=0,
        opnum=3,
        operation="RemoteCreateInstance",
        reply="response",
        outcome="answered",
        status=None,
        status_hex=None,
        status_name=None,
        fault=None,
        auth=None,
        ticket=None,
    )
    return replace(call, **changes)


FINDING = Finding(
    rule="pac-xforest-u2u",
    title="The server could not have the ticket's PAC validated across the forest trust",
    severity="high",
    confidence=0.65,
    summary="A user-to-user ticket of a foreign realm was refused with RPC_S_SEC_PKG_ERROR.",
    calls=("call-3",),
    capture=0,
    frames=(22, 23),
    display_filter="frame.number in {22, 23}",
    evidence=(
        EvidenceItem(True, "use-session-key is set in ap-options", 0, 22, None, 0.3),
        EvidenceItem(False, "0xC0000064 is logged for a network logon", None, None, LogLine("netlogon.log", 7), 0.1),
    ),
    missing=("the server's own capture",),
    next_steps=("Look for 0xC0000064 in netlogon.log of the server's domain controller",),
    references=("https://learn.microsoft.com/troubleshoot/", "[MS-APDS] 3.2.5"),
)


def pdu(**changes: Any) -> PduLine:
    line = PduLine(
        capture=0,
        frame=22,
        timestamp_ns=START_NS,
        kind="alter_context",
        call_id=2,
        interface_uuid="00000001-0000-0000-c000-000000000046",
        interface_name="IClassFactory",
        operation=None,
        opnum=None,
        context_id=None,
        alloc_hint=None,
        association_group=None,
        max_xmit=None,
        max_recv=None,
        status=None,
        cancel_count=None,
        reject_reason=None,
        token="AP-REQ",
        realm="child.domainA.COM",
        sname=("novice",),
        conversations=(("MSRPC", 125), ("TCP", 122), ("IPv4", 117)),
    )
    return replace(line, **changes)


PDUS = (
    pdu(),
    pdu(
        frame=23,
        kind="fault",
        context_id=0,
        status=0x721,
        cancel_count=0,
        interface_uuid=None,
        token=None,
        realm=None,
        sname=(),
    ),
)


UNFILTERED = Unfiltered(16, 1, 9, 3, 2, 4, 0, 1)


def empty_report() -> Report:
    return Report(TOOL, (), ())


def article_report(**changes: Any) -> Report:
    report = Report(
        TOOL,
        (capture(),),
        (answered_call(request_frames=(4,), reply_frames=(5,)), refused_call()),
        findings=(FINDING,),
        pdus=PDUS,
    )
    return replace(report, **changes)


AES256 = Etype(18, "aes256-cts-hmac-sha1-96")
TGT = TicketName("child.domainA.COM", ("krbtgt", "child.domainA.COM"), 18, "aes256-cts-hmac-sha1-96", 2)
PATH = ReferralPath(
    id="path-1",
    capture=1,
    client=CLIENT,
    cname=("expert",),
    crealm="child.domainA.COM",
    sname=("RPCSS", "novice.domainb.com"),
    realms=("child.domainA.COM", "DOMAINB.COM"),
    exchanges=("krb-1",),
    as_exchange="krb-1",
    outcome="refused",
    error=7,
    error_name="KDC_ERR_S_PRINCIPAL_UNKNOWN",
    from_cache=True,
    missing=("the ticket-granting ticket was issued before the capture",),
)
AUTHENTICATION = Authentication(
    id="auth-1",
    capture=1,
    carried_in="smb",
    client=CLIENT,
    server=Host("fe80::1", 445, "FILES"),
    target="\\\\FILES",
    mechanism="ntlm",
    tokens=("NEGOTIATE", "CHALLENGE", "AUTHENTICATE"),
    reply_token="CHALLENGE",
    ticket=TICKET,
    ntlm=Ntlm("DOMAINB", "novice", "RESOURCE-WIN73", "DOMAINB"),
    request_frame=20,
    request_ns=START_NS,
    request_time=START,
    reply_frame=21,
    reply_ns=LATER_NS,
    reply_time=LATER,
    outcome="rejected",
    status=0xC000006D,
    status_hex="0xc000006d",
    status_name="STATUS_LOGON_FAILURE",
    kerberos_error=41,
    kerberos_error_name="KRB_AP_ERR_MODIFIED",
    after_error="krb-1",
    notes=("in clear",),
    request_frames=(18, 20),
    reply_frames=(21,),
)
ENDPOINT = Endpoint(
    id="endpoint-1",
    capture=1,
    source="ept_map",
    call="call-1",
    frame=7,
    time_ns=START_NS,
    time=START,
    teller="10.3.0.33",
    server="10.3.0.33",
    protocol="ncacn_ip_tcp",
    port=52042,
    pipe="\\pipe\\samr",
    interface_uuid="12345778-1234-abcd-ef00-0123456789ac",
    interface_version="1.0",
    interface_name="samr",
    purpose="class 00000000-0000-0000-0000-000000000001",
    status=0x16C9A0D6,
    status_hex="0x16c9a0d6",
    status_name="ept_s_not_registered",
    connections=("tcp-1-0",),
)
EVENT = Event(
    capture=1,
    kind="refused",
    client=CLIENT,
    server=SERVER,
    frames=(1, 2),
    count=2,
    octets=0,
    first_ns=START_NS,
    first_time=START,
    last_ns=LATER_NS,
    last_time=LATER,
    name="\\pipe\\spoolss",
    status=0xC0000022,
    status_hex="0xc0000022",
    status_name="STATUS_ACCESS_DENIED",
    text="connection refused",
)


def full_report() -> Report:
    """Every kind of record, most of their fields in use, two captures."""
    exchange = KerberosExchange(
        id="krb-1",
        capture=1,
        kind="TGS",
        carried_in="kdc_tcp",
        call=None,
        client=CLIENT,
        server=Host("10.2.0.10", 88, "dc.child.domaina.com"),
        realm="child.domainA.COM",
        crealm="child.domainA.COM",
        cname=("expert",),
        sname=("RPCSS", "novice.domainb.com"),
        name_type=2,
        name_type_name="KRB_NT_SRV_INST",
        request_frame=10,
        request_ns=START_NS,
        request_time=START,
        reply_frame=11,
        reply_ns=LATER_NS,
        reply_time=LATER,
        reply="KRB-ERROR",
        outcome="answered",
        error=7,
        error_name="KDC_ERR_S_PRINCIPAL_UNKNOWN",
        ntstatus=0xC0000064,
        ntstatus_hex="0xc0000064",
        ntstatus_name="STATUS_NO_SUCH_USER",
        e_text="no such service",
        server_ns=START_NS,
        server_time=START,
        referral_to=None,
        user_to_user=False,
        options=("canonicalize", "enc-tkt-in-skey"),
        etypes=(AES256,),
        offered_etypes=(AES256, Etype(23, "rc4-hmac")),
        request_pa_data=(PaData(1, "pa-tgs-req"), PaData(167, None)),
        reply_pa_data=(PaData(19, "pa-etype-info2"),),
        fast=True,
        ticket=TGT,
        reply_etype=18,
        reply_etype_name=AES256.name,
        presented=TGT,
        presented_from="krb-1",
        additional_tickets=(TGT,),
        path="path-1",
        hop=1,
        copies=(12,),
        notes=("sent again",),
        request_frames=(9, 10),
        reply_frames=(11,),
    )
    rejected = refused_call(
        id="call-4",
        capture=1,
        kind="bind",
        transport="ncacn_np",
        server=Host("fe80::1", 445, "FILES"),
        pipe="\\pipe\\samr",
        reply="bind_nak",
        outcome="rejected",
        request_frames=(30, 31),
        reply_frames=(32,),
        status=None,
        status_hex=None,
        status_name=None,
        reject_reason=8,
        reject_reason_name="authentication_type_not_recognized",
        fault=None,
        auth=replace(
            KERBEROS, mechanism="ntlm", token="NEGOTIATE", ntlm=Ntlm("DOMAINB", "novice", "RESOURCE-WIN73", "DOMAINB")
        ),
        ticket=None,
    )
    unanswered = answered_call(
        id="call-5",
        outcome="unanswered",
        reply=None,
        reply_frames=(),
        reply_ns=None,
        reply_time=None,
        request_frames=(40,),
    )
    unseen = answered_call(id="call-6", outcome="not captured", request_frames=(), partial=True)
    return Report(
        TOOL,
        (
            capture(),
            capture(path="novice.pcapng.gz", format="pcapng", compression="gzip", complete=False, stopped_at=4711),
        ),
        (
            refused_call(extended_error=(EXTENDED_ERROR,), notes=("second security context",)),
            rejected,
            unanswered,
            unseen,
        ),
        kerberos=(exchange,),
        referral_paths=(PATH,),
        authentications=(AUTHENTICATION,),
        endpoints=(ENDPOINT,),
        events=(EVENT,),
        clocks=(Clock(1, 0, -1_500_000, 20_000, 12),),
        host_clocks=(HostClock("10.1.0.10", "dc1", "krb_error", 0, -37_000_000_000, 4, 900_000_000),),
        logs=(
            LogFacts(
                path="netlogon.log", encoding="utf-8", compression=None, octets=4711, lines=8, entries=7,
                first_time="03-04T10:00:00", last_time="03-04T10:15:16", complete=True, stopped_at=None, year=2012,
                utc_offset_minutes=60, found="fitted", matched=1, anchors=2, residual_s=0.3, back_line=None,
                text="2012, UTC+01:00, fitted to the captures", notes=("1 line is too long",),
            ),
        ),
        log_entries=(
            LogEntry(
                file="netlogon.log",
                line=7,
                flag="LOGON",
                kind="Generic",
                domain="child.DomainA.COM",
                user=None,
                workstation=None,
                via="RESOURCE-WIN73",
                package="Kerberos",
                phase="Returns",
                status=0xC0000064,
                status_hex="0xc0000064",
                status_name="STATUS_NO_SUCH_USER",
                time="03-04T10:15:16",
                thread="412",
                hosted_domain="RESOURCE",
                partner=6,
                duration_s=1,
                time_ns=LATER_NS,
                calls=("call-3",),
                joined_by=("package", "realm", "server", "time"),
            ),
        ),
        summary=(
            Summary(0, "10.2.0.21", "10.3.0.33", "IClassFactory", "RemoteCreateInstance", 3, 1, 900_000, 42_000_000),
        ),
        streams=(
            Stream("tcp-1", 0, CLIENT, SERVER, 2, 41, START_NS, LATER_NS, 9, 4, 3, True, 1, 1460, None),
            Stream("tcp-2", 1, CLIENT, SERVER, 2, 41, None, None, 9, 4, 3, False, 0, 0, "fin"),
        ),
        findings=(FINDING,),
        problems=(ProblemEntry("dcerpc.bind", "12 octets needed, 4 available", 1, 12, 44, 2),),
        limits=(Limit("calls_kept", 20_000, 3),),
        unfiltered=Unfiltered(9, 3, 2, 1, 1, 1, 2, 1),
        pdus=PDUS,
    )


ESCAPE = "\x1b[31m\x1b]0;owned\x07"
HOSTILE_TEXTS = (
    f"{ESCAPE}\u202ereversed\u2066|<script>alert(1)</script>`*_x_*`\r\n\x00\x85\u200b\u2028",
    '=HYPERLINK("https://example.invalid")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\tcell",
    "caf\udce9\udcff",  # undecodable octets e9 ff
    "lone \ud800 surrogate",
    "1e5",
    "日本語ドメイン",
)


def with_texts(record: Any, text: str) -> Any:
    """`record` with `text` in every text field that a capture may fill, at any depth."""
    if isinstance(record, tuple):
        return tuple(text if isinstance(item, str) else with_texts(item, text) for item in record)
    if not is_dataclass(record) or isinstance(record, type):
        return record
    changes: dict[str, Any] = {}
    for member in fields(record):
        value = getattr(record, member.name)
        if isinstance(value, str):
            fixed = member.name in FIXED_TEXTS or member.name.endswith(("_hex", "uuid", "_time"))
            changes[member.name] = value if fixed else text
        elif member.name not in ("conversations", *FIXED_TEXTS):
            changes[member.name] = with_texts(value, text)
    return replace(record, **changes)


# Fields whose words are ours, not a capture's: the schema closes their set.
FIXED_TEXTS = frozenset(
    ("format", "transport", "outcome", "reply", "severity", "carried_in", "time", "found", "joined_by")
)


def hostile_report(text: str) -> Report:
    report: Report = with_texts(full_report(), text)
    calls = tuple(
        replace(hostile, kind=call.kind) for hostile, call in zip(report.calls, full_report().calls, strict=True)
    )
    exchanges = tuple(replace(exchange, kind="TGS", reply=text) for exchange in report.kerberos)
    lines = tuple(replace(line, kind=kind) for line, kind in zip(report.pdus, ("alter_context", "fault"), strict=True))
    clocks = tuple(replace(clock, source="krb_error") for clock in report.host_clocks)
    return replace(report, calls=calls, kerberos=exchanges, pdus=lines, host_clocks=clocks)
