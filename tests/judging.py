"""What a rule makes of a capture or of hand-made records: its hypotheses, weighed, without other rules beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from incident_records import CLIENT, SERVER, call, report
from report_values import KERBEROS
from shared_captures import OWN, SHARED

from rpctrace.analysis import analyze
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Clue, Rule
from rpctrace.diagnosis.weighing import Weighed
from rpctrace.report import Auth, Call, Dcom, Finding, Host, Interface, LogEntry, Ntlm, Report, SecureChannel, Ticket

ALL_FLAGS = 0xE2088297  # [MS-NLMP] 2.2.2.5 as Windows sends them
ALICE = Ntlm("DOMAINB", "alice", "WS1", "DC1", ALL_FLAGS, ALL_FLAGS, ALL_FLAGS)
TICKET = Ticket("DOMAINB.COM", ("host", "dc1.domainb.com"), 2, None, 18, None, 18, 4, (), False, "bind", 101)
SAMR = "12345778-1234-abcd-ef00-0123456789ac"
ACTIVATOR = "000001a0-0000-0000-c000-000000000046"


def findings(name: str) -> dict[str, Finding]:
    """The findings of a sample of this project, one of each rule; the worst where there are several."""
    found = analyze(OWN / name).findings
    return {finding.rule: finding for finding in reversed(found)}


def cause(name: str) -> dict[str, Finding]:
    return findings(f"causes/{name}.pcap")


def shared(name: str) -> dict[str, Finding]:
    return {finding.rule: finding for finding in reversed(analyze(SHARED / name).findings)}


def said(rule: Rule, told: Report) -> list[Weighed]:
    """What this rule alone says."""
    return [Weighed(rule, hypothesis) for hypothesis in rule.find(Evidence(told))]


def judged(rule: Rule, *records: Any, **changes: Any) -> list[Weighed]:
    return said(rule, report(*records, **changes))


def only(rule: Rule, *records: Any, **changes: Any) -> Weighed:
    (weighed,) = judged(rule, *records, **changes)
    return weighed


def has(weighed: Weighed, clue: Clue) -> bool:
    """Whether a clue of this direction and weight was seen (rules have no two alike where it matters)."""
    clues = weighed.hypothesis.clues
    return any(each.supports is not clue.against and each.weight == clue.weight for each in clues)


def interface(uuid: str = SAMR, result: int | None = None, reason: int | None = None, context: int = 0) -> Interface:
    return Interface(context, uuid, "1.0", None, None, None, result, None, reason, None)


def kerberos(token: str | None = None, reply: str | None = None, **changes: Any) -> Auth:
    values: dict[str, Any] = {"level": 5, "token": token, "reply_token": reply, **changes}
    return replace(KERBEROS, **values)


def ntlm(token: str | None = None, reply: str | None = None, names: Ntlm | None = ALICE, **changes: Any) -> Auth:
    values: dict[str, Any] = {"level": 5, "auth_type": 10, "token": token, "reply_token": reply, "ntlm": names}
    return replace(KERBEROS, mechanism="ntlm", **{**values, **changes})


def bound(second: float = 1, **changes: Any) -> Call:
    """A bind that was accepted: without authentication, unless told otherwise."""
    values: dict[str, Any] = {"kind": "bind", "outcome": "accepted", "reply": "bind_ack"}
    return call("bind", second, **{**values, "interfaces": (interface(result=0, reason=0),), **changes})


def logged_on(second: float = 1, **changes: Any) -> Call:
    """A bind whose ticket the server accepted with an AP-REP."""
    return bound(second, **{"auth": kerberos("AP-REQ", "AP-REP"), "ticket": TICKET, **changes})


def ntlm_legs(second: float = 1, **changes: Any) -> tuple[Call, Call]:
    """Bind with NEGOTIATE and CHALLENGE, auth3 with AUTHENTICATE."""
    last = {"kind": "auth3", "outcome": "not captured", "reply": None, "reply_frames": (), "reply_ns": None}
    return (
        bound(second, auth=ntlm("NEGOTIATE", "CHALLENGE", **changes)),
        call("auth3", second + 0.02, **{**last, "auth": ntlm("AUTHENTICATE", **changes), "interfaces": ()}),
    )


def faulted(status: int, second: float = 2, **changes: Any) -> Call:
    """A request of samr that got a fault."""
    values: dict[str, Any] = {
        "outcome": "faulted", "reply": "fault", "status": status, "status_hex": f"0x{status:08x}", "opnum": 5,
        "operation": "SamrLookupDomainInSamServer", "interfaces": (interface(),),
    }  # fmt: skip
    return call("faulted", second, **{**values, **changes})


def answered(second: float, identity: str = "answered", **changes: Any) -> Call:
    """A request of samr that was answered."""
    values: dict[str, Any] = {"outcome": "answered", "opnum": 5, "interfaces": (interface(),)}
    return call(identity, second, **{**values, **changes})


def activation(second: float, hresult: int, identity: str = "activation", **changes: Any) -> Call:
    """RemoteCreateInstance with this HRESULT in its answer."""
    dcom = Dcom(None, None, hresult, f"0x{hresult:08x}", None, clsid="49b2791a-b1ae-4c90-9b8e-e860ba07f889")
    values: dict[str, Any] = {"opnum": 4, "operation": "RemoteCreateInstance", "interfaces": (interface(ACTIVATOR),)}
    return answered(second, identity, **{**values, "dcom": dcom, **changes})


def channel(operation: str, status: int = 0) -> SecureChannel:
    return SecureChannel(
        operation, False, False, 100, 40, "WS1", "WS1$", 2, None, None, None, None, None, None, None, status,
        f"0x{status:08x}", None,
    )  # fmt: skip


def log_line(status: int, *calls: str, **changes: Any) -> LogEntry:
    """A `Returns` line about these calls."""
    values: dict[str, Any] = {
        "file": "netlogon.log", "line": 3, "flag": "LOGON", "kind": "Network", "domain": "DOMAINB", "user": "alice",
        "workstation": "WS1", "via": "DC1", "package": None, "phase": "Returns", "status": status,
        "status_hex": f"0x{status:08x}", "status_name": None, "time": None,
    }  # fmt: skip
    return LogEntry(**{**values, "calls": calls, **changes})


def ends(*, server: str = SERVER, client: str = CLIENT) -> dict[str, Host]:
    return {"client": Host(client, 49834, None), "server": Host(server, 49154, None)}
