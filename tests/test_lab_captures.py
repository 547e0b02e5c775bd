"""All lab captures against tshark's recorded reading: every fault, pair, bind_nak, bind, alter_context, auth3, ticket
and KRB-ERROR, over bare TCP, in SMB pipes, in SMB and LDAP authentications, and to the KDCs.

What differs is named here with its reason.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from shared_captures import SHARED, captures_in, name_of, needs_shared, sidecar

from rpctrace.analysis import analyze
from rpctrace.report import Report

LAB = captures_in(SHARED / "lab")
# tshark gives a bind of RPC version 4 or minor version 9 as plain TCP payload; its bind_nak it does show.
BINDS_ONLY_WE_SHOW = {"lab/b3-bindnak/nak-version-minor.pcap": 1, "lab/b3-bindnak/nak-version.pcap": 1}
# tshark does not look into the GSS-API frame around a KRB-ERROR of auth type 16.
ERRORS_ONLY_WE_SHOW = {"lab/b1-0x721/alter-clock-skew.pcap": {(23, 37): 1}}

# tshark leaves the token alone where the auth level is packet, or none that it knows.
_SPNEGO = "lab/c-rawprotocol/test_spnego_"
TICKETS_ONLY_WE_SHOW = {
    "lab/b1-0x721/alter-missing-auth-level.pcap": {165},
    f"{_SPNEGO}7_bind.pcap": {78},
    f"{_SPNEGO}call_bind.pcap": {78},
    f"{_SPNEGO}hdr_signing_packet.pcap": {78},
    f"{_SPNEGO}packet_bind_none.pcap": {78},
    f"{_SPNEGO}signing_packet.pcap": {78},
}
# tshark dissects nothing of a message that the snapshot length cut; what is left of one says enough.
CUT = frozenset(f"lab/f-capture-variants/{name}" for name in ("mixed-small-snaplen.pcapng", "snaplen-200.pcap"))


def replies(report: Report, kind: str) -> Counter[tuple[object, ...]]:
    return Counter(
        (call.reply_frames[-1], call.call_id, call.status if kind == "fault" else call.reject_reason)
        for call in report.calls
        if call.reply == kind
    )


@needs_shared
@pytest.mark.parametrize("path", LAB, ids=name_of)
def test_against_the_recorded_reading(path: Path) -> None:
    """Frames, call ids, statuses, UUIDs, realms and names are the same; nothing is found that tshark does not count."""
    report, said = analyze(path), sidecar(path)
    assert report.complete
    faults = replies(report, "fault")
    for fault in said.get("faults", ()):
        status = int(fault["status"], 16) if fault.get("status") else None
        assert faults[fault["frame"], fault["call_id"], status] == 1, fault
    if name_of(path) not in CUT:
        assert sum(faults.values()) == said.get("faults_total", 0)
    naks = replies(report, "bind_nak")
    for nak in said.get("bind_naks", ()):
        assert naks[nak["frame"], nak["call_id"], nak["reason"]] == 1, nak
    for key, kind in (("binds", "bind"), ("alter_contexts", "alter_context"), ("auth3", "auth3")):
        asked = Counter((c.request_frames[-1], c.call_id) for c in report.calls if c.kind == kind and c.request_frames)
        expected = Counter((entry["frame"], entry["call_id"]) for entry in said.get(key, ()))
        assert not expected - asked, kind
        more = BINDS_ONLY_WE_SHOW.get(name_of(path), 0) if kind == "bind" else 0
        total = said.get(f"{key}_total", 0)
        if total == len(said.get(key, ())) and name_of(path) not in CUT:
            assert sum(asked.values()) == total + more, kind
    for pair in said.get("fault_pairs", ()):
        assert_pair(report, pair)


def assert_pair(report: Report, pair: dict[str, Any]) -> None:
    """A fault, what it answers, and the ticket."""
    (call,) = [
        call
        for call in report.calls
        if call.reply == "fault" and call.reply_frames[-1] == pair["fault_frame"] and call.call_id == pair["call_id"]
    ]
    assert call.kind == pair["request_type"]
    assert pair["request_frame"] in call.request_frames
    if pair["uuids"]:  # tshark reads nothing of a PDU that the snapshot length cut
        assert [interface.uuid for interface in call.interfaces] == pair["uuids"]
    if pair.get("ap_req"):
        assert call.ticket is not None
        assert (call.ticket.realm, list(call.ticket.sname)) == (pair["ap_req"]["realm"], pair["ap_req"]["sname"])


@needs_shared
@pytest.mark.parametrize("path", LAB, ids=name_of)
def test_every_ticket_presented(path: Path) -> None:
    """Each AP-REQ that tshark finds, in whatever carried it: frame, realm, service, name type, etype, kvno."""
    report = analyze(path)
    shown: Counter[tuple[object, ...]] = Counter()
    for each in report.kerberos:
        if each.presented is not None and each.request_frame is not None:
            ticket = each.presented
            shown[each.request_frame, ticket.realm, ticket.sname, ticket.etype, ticket.kvno] += 1
    expected = Counter(
        (each["frame"], each["realm"], tuple(each["sname"]), each["ticket_etype"], each["kvno"])
        for each in sidecar(path).get("ap_reqs", ())
    )
    assert not expected - shown
    if sidecar(path).get("ap_reqs_total", 0) == len(sidecar(path).get("ap_reqs", ())) and name_of(path) not in CUT:
        more = {frame for frame, *_ in shown - expected}
        assert more == TICKETS_ONLY_WE_SHOW.get(name_of(path), set())


@needs_shared
@pytest.mark.parametrize("path", LAB, ids=name_of)
def test_every_krb_error_and_every_exchange_with_a_kdc(path: Path) -> None:
    """Codes by frame, and as many requests and replies of each kind."""
    report = analyze(path)
    errors = Counter((each.reply_frame, each.error) for each in report.kerberos if each.error is not None)
    expected = Counter((each["frame"], each["error_code"]) for each in sidecar(path).get("krb_errors", ()))
    assert errors == expected + Counter(ERRORS_ONLY_WE_SHOW.get(name_of(path), {}))
    counts = sidecar(path)["kerberos_message_counts"]
    kdc = [each for each in report.kerberos if each.carried_in.startswith("kdc")]
    for kind in ("AS", "TGS"):
        asked = [each for each in kdc if each.kind == kind and each.request_frame is not None]
        assert sum(1 + len(each.copies) for each in asked) == counts.get(f"{kind}-REQ", 0)
        assert sum(each.reply == f"{kind}-REP" for each in kdc) == counts.get(f"{kind}-REP", 0)


@needs_shared
def test_there_are_as_many_as_the_readme_says() -> None:
    """190 captures: a folder that lost files would make the tests above pass for nothing."""
    assert len(LAB) == 190


@needs_shared
def test_clock_skew_is_a_krb_error_in_the_answer_and_no_fault() -> None:
    """lab/b1-0x721/alter-clock-skew: GSS-wrapped, which tshark does not show."""
    for name in ("alter-clock-skew", "alter-clock-skew-spnego"):
        report = analyze(SHARED / "lab" / "b1-0x721" / f"{name}.pcap")
        (skewed,) = [call for call in report.calls if call.kind == "alter_context"]
        assert skewed.outcome == "rejected"
        assert skewed.auth is not None
        assert skewed.auth.kerberos_error == 37
        assert [exchange.error_name for exchange in report.kerberos] == ["KRB_AP_ERR_SKEW"]


@needs_shared
def test_the_third_leg_names_the_ticket_of_the_bind() -> None:
    """lab/b1-0x721/alter-third-leg-bad: the fault answers an AP-REP; the ticket was in the bind."""
    report = analyze(SHARED / "lab" / "b1-0x721" / "alter-third-leg-bad.pcap")
    (call,) = [call for call in report.calls if call.status == 0x721]
    assert call.auth is not None
    assert (call.kind, call.auth.token) == ("alter_context", "AP-REP")
    assert call.ticket is not None
    assert call.ticket.presented_in == "bind"


@needs_shared
def test_clean_captures_have_no_finding() -> None:
    """lab/a-clean and the accepted alter_contexts."""
    clean = [*captures_in(SHARED / "lab" / "a-clean"), *(SHARED / "lab" / "b1-0x721").glob("alter-ok*.pcap")]
    assert len(clean) == 12
    for path in clean:
        assert analyze(path).findings == (), name_of(path)
