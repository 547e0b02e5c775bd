"""Hand-made records of an incident, for the tests of what joins them: a client, its KDCs, a server. Time begins at 0 s.

    as_exchange("krb-1", 1, client_tgt)  ->  tgs_exchange("krb-2", 2, client_tgt, referral)  ->  ...
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from report_values import ENDPOINT, EVENT, KERBEROS, TOOL, answered_call, capture

from rpctrace.report import (
    Authentication,
    Call,
    Endpoint,
    Event,
    Host,
    KerberosExchange,
    Ntlm,
    Report,
    Stream,
    Ticket,
    TicketName,
)

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
CLIENT, SERVER = "10.77.0.50", "10.77.0.12"
KDC_A, KDC_B, KDC_C = "10.77.0.11", "10.77.0.12", "10.77.0.13"
REALM_A, REALM_B, REALM_C = "CHILD.DOMAINA.COM", "DOMAINB.COM", "DOMAINC.COM"


def at(second: float | None) -> int | None:
    return None if second is None else round(second * SECOND)


def frame_at(second: float | None) -> int:
    """A frame number for every hundredth of a second."""
    return 1 if second is None else round(second * 100) + 1


def report(*records: Any, captures: int = 1, **changes: Any) -> Report:
    """A Report with these records, each in its list."""
    lists = {
        Call: "calls",
        KerberosExchange: "kerberos",
        Authentication: "authentications",
        Endpoint: "endpoints",
        Event: "events",
        Stream: "streams",
    }
    held: dict[str, Any] = {name: tuple(r for r in records if type(r) is kind) for kind, name in lists.items()}
    facts = tuple(capture(path=f"capture-{number}.pcap") for number in range(captures))
    return Report(TOOL, facts, **{"calls": (), **held, **changes})


def ticket(
    realm: str, *sname: str, digest: str | None = None, etype: int | None = 18, kvno: int | None = 1
) -> TicketName:
    return TicketName(realm, sname, etype, None, kvno, digest)


def tgt(realm: str, issued_by: str | None = None, digest: str | None = None, **changes: Any) -> TicketName:
    """A ticket for the KDC of `realm`; by another realm it is a referral."""
    return ticket(issued_by or realm, "krbtgt", realm, digest=digest, **changes)


def _with_frames(values: dict[str, Any]) -> dict[str, Any]:
    """Messages in one frame each, unless told otherwise."""
    alone = {f"{side}_frames": (frame,) for side in ("request", "reply") if (frame := values[f"{side}_frame"])}
    return {**alone, **values}


def exchange(identity: str, second: float, **changes: Any) -> KerberosExchange:
    """One that was answered after 10 ms, of nothing in particular."""
    values: dict[str, Any] = {
        "id": identity,
        "capture": 0,
        "kind": "TGS",
        "carried_in": "kdc_tcp",
        "call": None,
        "client": Host(CLIENT, 40000 + round(second * 10) % 20000, None),
        "server": Host(KDC_A, 88, None),
        "realm": REALM_A,
        "crealm": REALM_A,
        "cname": ("alice-a",),
        "sname": (),
        "name_type": None,
        "name_type_name": None,
        "request_frame": frame_at(second),
        "request_ns": at(second),
        "request_time": None,
        "reply_frame": frame_at(second + 0.01),
        "reply_ns": at(second + 0.01),
        "reply_time": None,
        "reply": "TGS-REP",
        "outcome": "answered",
        "error": None,
        "error_name": None,
        "ntstatus": None,
        "ntstatus_hex": None,
        "ntstatus_name": None,
        "e_text": None,
        "server_ns": None,
        "server_time": None,
        "referral_to": None,
        "user_to_user": False,
    }
    return KerberosExchange(**_with_frames({**values, **changes}))


def as_exchange(identity: str, second: float, issued: TicketName | None, **changes: Any) -> KerberosExchange:
    realm = (issued.realm if issued else None) or REALM_A
    said = {"kind": "AS", "reply": "AS-REP", "realm": realm, "sname": ("krbtgt", realm), "ticket": issued, **changes}
    return exchange(identity, second, **said)


def tgs_exchange(
    identity: str, second: float, presented: TicketName | None, issued: TicketName | None, **changes: Any
) -> KerberosExchange:
    """Asked of the realm that issued the ticket, for what was issued."""
    said: dict[str, Any] = {"presented": presented, "ticket": issued, "sname": issued.sname if issued else ()}
    said["realm"] = issued.realm if issued else presented.sname[-1] if presented else None
    return exchange(identity, second, **{**said, **changes})


def refused(error: int = 7, name: str = "KDC_ERR_S_PRINCIPAL_UNKNOWN") -> dict[str, Any]:
    return {"reply": "KRB-ERROR", "outcome": "rejected", "error": error, "error_name": name}


def ap_exchange(identity: str, second: float, presented: TicketName, **changes: Any) -> KerberosExchange:
    said = {"kind": "AP", "carried_in": "dcerpc", "server": Host(SERVER, 49154, None), "reply": "AP-REP"}
    return exchange(identity, second, **{**said, "presented": presented, "sname": presented.sname, **changes})


def shown(name: TicketName, frame: int) -> Ticket:
    """The ticket of a call."""
    return Ticket(
        name.realm, name.sname, 2, None, name.etype, name.etype_name, 18, name.kvno, (), False, "bind", frame,
        name.fingerprint,
    )  # fmt: skip


def call(identity: str, second: float | None, **changes: Any) -> Call:
    """A request that was answered after 10 ms."""
    answered = None if second is None else second + 0.01
    said = {
        "id": identity,
        "connection": "tcp-0-0",
        "kind": "request",
        "client": Host(CLIENT, 49834, None),
        "server": Host(SERVER, 49154, None),
        "request_frames": (frame_at(second),),
        "request_ns": at(second),
        "reply_frames": (frame_at(answered),),
        "reply_ns": at(answered),
        "auth": None,
        "ticket": None,
        "also_seen": (),
    }
    return answered_call(**{**said, **changes})


def one_direction(record: Any, direction: str) -> Any:
    """What a capture of one direction alone shows of a call: `requests` or `replies`."""
    if direction == "requests":
        lost: dict[str, Any] = {"reply_frames": (), "reply_ns": None, "reply": None, "outcome": "not captured"}
        return replace(record, **lost, status=None, status_hex=None, status_name=None, fault=None)
    return replace(record, request_frames=(), request_ns=None, interfaces=(), opnum=None, operation=None, ticket=None)


def ntlm_call(identity: str, second: float, **changes: Any) -> Call:
    auth = replace(KERBEROS, mechanism="ntlm", token="NEGOTIATE", ntlm=None)
    return call(identity, second, **{"kind": "bind", "auth": auth, **changes})


def ntlm_authentication(identity: str, second: float, **changes: Any) -> Authentication:
    values: dict[str, Any] = {
        "id": identity,
        "capture": 0,
        "carried_in": "smb",
        "client": Host(CLIENT, 50000, None),
        "server": Host(SERVER, 445, None),
        "target": None,
        "mechanism": "ntlm",
        "tokens": ("NEGOTIATE", "CHALLENGE", "AUTHENTICATE"),
        "reply_token": None,
        "ticket": None,
        "ntlm": Ntlm("DOMAINB", "alice", "WS1", "DC1"),
        "request_frame": frame_at(second),
        "request_ns": at(second),
        "request_time": None,
        "reply_frame": frame_at(second + 0.01),
        "reply_ns": at(second + 0.01),
        "reply_time": None,
        "outcome": "accepted",
        "status": 0,
        "status_hex": "0x00000000",
        "status_name": None,
        "kerberos_error": None,
        "kerberos_error_name": None,
        "after_error": None,
        "notes": (),
    }
    return Authentication(**_with_frames({**values, **changes}))


def endpoint(identity: str, second: float, **changes: Any) -> Endpoint:
    """ept_map's answer: a port of the answering host."""
    said = {
        "id": identity,
        "capture": 0,
        "call": None,
        "frame": frame_at(second),
        "time_ns": at(second),
        "teller": SERVER,
        "server": None,
        "port": 49154,
        "pipe": None,
        "purpose": "samr",
        "status": None,
        "status_hex": None,
        "status_name": None,
        "connections": (),
    }
    return replace(ENDPOINT, **{**said, **changes})


def stream(identity: str, second: float, **changes: Any) -> Stream:
    said = Stream(
        identity, 0, Host(CLIENT, 49834, None), Host(SERVER, 49154, None), frame_at(second), frame_at(second) + 9,
        at(second), at(second + 1), 4, 2, 0, False, 0, 0, None,
    )  # fmt: skip
    return replace(said, **changes)


def event(second: float, **changes: Any) -> Event:
    said: dict[str, Any] = {
        "capture": 0,
        "client": Host(CLIENT, 49834, None),
        "server": Host(SERVER, 49154, None),
        "frames": (frame_at(second),),
        "count": 1,
        "first_ns": at(second),
        "last_ns": at(second),
        "name": None,
        "status": None,
        "status_hex": None,
        "status_name": None,
    }
    return replace(EVENT, **{**said, **changes})
