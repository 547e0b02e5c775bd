"""Hand-made refusals of tickets, for the tests of the rules about them: a client, a server, its domain controller.

    found(skew_ap.RULE, report(refused("call-1", 5)))  ->  what the rule says, weighed
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import incident_records as incident
from incident_records import at, frame_at
from report_values import KERBEROS
from shared_captures import OWN, SHARED

from rpctrace.analysis import analyze
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.registry import diagnose
from rpctrace.diagnosis.rule import Ceiling, Clue, Rule
from rpctrace.diagnosis.weighing import Weighed
from rpctrace.report import Auth, Authentication, Call, Finding, Host, LogEntry, Report, SecureChannel, Stream, Ticket

CLIENT, SERVER, CONTROLLER = "10.77.0.50", "10.77.0.51", "10.77.0.12"
OTHER_CONTROLLER = "10.77.0.14"
PORT = 49170
USER_REALM, SERVER_REALM = "CHILD.DOMAINA.COM", "DOMAINB.COM"
LOG = "netlogon.log"


def ticket(realm: str | None, *sname: str, digest: str | None = "d1", **changes: Any) -> Ticket:
    said = Ticket(realm, sname, 2, None, 18, None, 18, None, ("mutual-required",), False, "alter_context", 1, digest)
    return replace(said, **changes)


def user_ticket(realm: str | None = USER_REALM, *sname: str, **changes: Any) -> Ticket:
    """For user-to-user."""
    options = ("use-session-key", "mutual-required")
    return ticket(realm, *(sname or ("bob-a",)), **{"user_to_user": True, "ap_options": options, **changes})


HOST_TICKET = ticket(SERVER_REALM, "host", "ws2.domainb.com", digest="h1")


def auth(token: str | None, reply_token: str | None = None, **changes: Any) -> Auth:
    return replace(KERBEROS, **{"token": token, "reply_token": reply_token, **changes})


def leg(identity: str, second: float, token: str | None, reply_token: str | None = None, **changes: Any) -> Call:
    """A bind or alter_context that the server accepted after 10 ms, with tokens."""
    said = {
        "kind": "bind",
        "client": Host(CLIENT, 49834, None),
        "server": Host(SERVER, PORT, None),
        "reply": "bind_ack",
        "outcome": "accepted",
        "auth": auth(token, reply_token),
        "opnum": None,
        "operation": None,
    }
    return incident.call(identity, second, **{**said, **changes})


def refused(identity: str, second: float, presented: Ticket | None = HOST_TICKET, **changes: Any) -> Call:
    """An alter_context with an AP-REQ that the server answered with 0x721 after 10 ms (or after `took` seconds)."""
    took = changes.pop("took", 0.01)
    shown = None if presented is None else replace(presented, frame=frame_at(second))
    said = {
        "kind": "alter_context",
        "reply": "fault",
        "outcome": "faulted",
        "status": 0x721,
        "status_hex": "0x00000721",
        "status_name": "RPC_S_SEC_PKG_ERROR",
        "ticket": shown,
        "reply_ns": at(second + took),
        "reply_frames": (frame_at(second + took),),
    }
    return leg(identity, second, "AP-REQ", **{**said, **changes})


def accepted(identity: str, second: float, presented: Ticket, **changes: Any) -> Call:
    """A bind whose ticket the server answered with an AP-REP."""
    shown = replace(presented, frame=frame_at(second), presented_in="bind")
    return leg(identity, second, "AP-REQ", "AP-REP", **{"ticket": shown, "connection": f"tcp-{identity}", **changes})


def told(identity: str, second: float, code: int, presented: Ticket | None = HOST_TICKET, **changes: Any) -> Call:
    """A bind whose bind_ack held a KRB-ERROR."""
    said = {"kind": "bind", "reply": "bind_ack", "outcome": "rejected", "status": None, "status_hex": None,
            "status_name": None, "auth": auth("AP-REQ", "KRB-ERROR", kerberos_error=code)}  # fmt: skip
    return refused(identity, second, presented, **{**said, **changes})


def session(identity: str, second: float, presented: Ticket | None, **changes: Any) -> Authentication:
    """A session setup of SMB that the server refused with STATUS_LOGON_FAILURE."""
    said = {
        "client": Host(CLIENT, 50000, None),
        "server": Host(SERVER, 445, None),
        "mechanism": "kerberos",
        "tokens": ("AP-REQ",),
        "ticket": None if presented is None else replace(presented, frame=frame_at(second)),
        "ntlm": None,
        "outcome": "rejected",
        "status": 0xC000006D,
        "status_name": "STATUS_LOGON_FAILURE",
    }
    return incident.ntlm_authentication(identity, second, **{**said, **changes})


def logon(identity: str, second: float, **changes: Any) -> Call:
    """NetrLogonSamLogonEx of the server to its domain controller, sealed, answered after 10 ms."""
    channel = SecureChannel(
        "NetrLogonSamLogonEx", True, True, 420, 32, *[None] * 13
    )  # fmt: skip
    channel = replace(channel, **changes.pop("channel", {}))
    said = {
        "connection": "tcp-nrpc",
        "client": Host(SERVER, 50021, None),
        "server": Host(CONTROLLER, 49157, None),
        "operation": "NetrLogonSamLogonEx",
        "opnum": 39,
        "secure_channel": channel,
    }
    return incident.call(identity, second, **{**said, **changes})


def line(number: int, second: float | None, status: int | None, **changes: Any) -> LogEntry:
    """`Returns` of a generic logon of package Kerberos for the user's realm, via the server."""
    said = LogEntry(
        file=LOG, line=number, flag="LOGON", kind="Generic", domain=USER_REALM, user=None, workstation=None,
        via="WS2", package="Kerberos", phase="Returns", status=status,
        status_hex=None if status is None else f"0x{status:08x}", status_name=None, time=None,
        time_ns=at(second), joined_by=("server", "realm", "time"),
    )  # fmt: skip
    return replace(said, **changes)


def stream(connection: str, **changes: Any) -> Stream:
    return incident.stream(connection, 0, **changes)


def report(*records: Any, log: Iterable[LogEntry] = (), **changes: Any) -> Report:
    return incident.report(*records, log_entries=tuple(log), **changes)


def found(rule: Rule, said: Report, realms: Mapping[str, str] | None = None) -> list[Weighed]:
    """What one rule says, in the order in which it says it; what it refutes itself is left out."""
    weighed = [Weighed(rule, hypothesis) for hypothesis in rule.find(Evidence(said, realms))]
    return [each for each in weighed if each.confidence > 0]


def sure(rule: Rule, said: Report, realms: Mapping[str, str] | None = None) -> float:
    """The confidence of the only hypothesis; 0 where there is none."""
    weighed = found(rule, said, realms)
    assert len(weighed) <= 1
    return weighed[0].confidence if weighed else 0.0


def clues_of(weighed: Weighed) -> list[tuple[bool, float]]:
    """For or against, and the weight, of each clue that was seen."""
    return [(item.supports, item.weight) for item in weighed.hypothesis.clues]


def saw(weighed: Weighed, clue: Clue) -> bool:
    return (not clue.against, clue.weight) in clues_of(weighed)


def findings(folder: str, name: str) -> tuple[Finding, ...]:
    """Of a capture in the checkout."""
    return analyze(OWN / folder / name).findings


def lab_findings(name: str) -> tuple[Finding, ...]:
    """Of a capture in the shared folder; the test needs `needs_shared`."""
    return analyze(SHARED / name).findings


def rules(said: Iterable[Finding]) -> list[str]:
    return [finding.rule for finding in said]


def of(rule: str, said: Iterable[Finding]) -> Finding:
    """The only finding of a rule."""
    (finding,) = [finding for finding in said if finding.rule == rule]
    return finding


def first(said: Report) -> Finding:
    return diagnose(said)[0]


def constants(module: Any) -> tuple[set[Clue], set[Ceiling]]:
    """The clues and ceilings that a rule file names."""
    values = [value for name, value in vars(module).items() if name.isupper()]
    return {v for v in values if isinstance(v, Clue)}, {v for v in values if isinstance(v, Ceiling)}


def all_captures(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((SHARED / folder).rglob("*.pcap"))]
