"""Proves: PDUs read as in Network Monitor 3.4; the support article's two frames come out letter for letter."""

from __future__ import annotations

import io

import pytest
from report_values import HOSTILE_TEXTS, article_report, full_report, pdu

from rpctrace.render.netmon import netmon_line, render
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import PduLine, Report

ARTICLE = """\
MSRPC:c/o Alter Cont: unknown UUID{00000001-0000-0000-C000-000000000046} Call=0x2 Kerberos: AP Request Ticket[Realm: child.domainA.COM, Sname: novice]
MSRPC:c/o Fault: Call=0x2 Context=0x0 Status=0x721 Cancels=0x0 {MSRPC:125, TCP:122, IPv4:117}
"""  # noqa: E501  # the lines are as long as they are printed
PLAIN = RenderOptions()
DRSR = "e3514235-4b06-11d1-ab04-00c04fc2dcd2"
QUIET: dict[str, object] = {"token": None, "realm": None, "sname": (), "interface_uuid": None, "conversations": ()}
NEGOTIATED: dict[str, object] = {"association_group": 0x5E68, "max_xmit": 0x16D0, "max_recv": 0x16D0}


def text_of(report: Report, options: RenderOptions = PLAIN) -> str:
    out = io.StringIO(newline="")
    render(report, out, options)
    return out.getvalue()


def test_the_article_s_two_frames() -> None:
    assert text_of(article_report()) == ARTICLE


def test_frame_numbers_stand_in_front_only_when_asked_for() -> None:
    first, second = ARTICLE.splitlines(keepends=True)
    assert text_of(article_report(), RenderOptions(verbosity=1)) == f"22  {first}23  {second}"
    assert text_of(full_report(), RenderOptions(verbosity=1)) == f"1:22  {first}1:23  {second}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            pdu(**{**QUIET, **NEGOTIATED, "kind": "bind", "interface_uuid": DRSR, "association_group": 0}),
            "MSRPC:c/o Bind: DRSR(DRSR) UUID{E3514235-4B06-11D1-AB04-00C04FC2DCD2}"
            " Call=0x2 Assoc Grp=0x0 Xmit=0x16D0 Recv=0x16D0",
        ),
        (
            pdu(**{**QUIET, **NEGOTIATED, "kind": "bind_ack", "interface_uuid": DRSR}),
            "MSRPC:c/o Bind Ack: Call=0x2 Assoc Grp=0x5E68 Xmit=0x16D0 Recv=0x16D0",
        ),
        (
            pdu(**{**QUIET, "kind": "bind_nak", "call_id": 3, "reject_reason": 9}),
            "MSRPC:c/o Bind Nack: Call=0x3 Reject Reason: invalid_checksum",
        ),
        (
            pdu(**{**QUIET, "kind": "bind_nak", "call_id": 2, "reject_reason": 8}),
            "MSRPC:c/o Bind Nack: Call=0x2 Reject Reason: authentication_type_not_recognized",
        ),
        (
            pdu(**{**QUIET, "kind": "bind_nak", "reject_reason": 99}),
            "MSRPC:c/o Bind Nack: Call=0x2 Reject Reason: 0x63",
        ),
        (
            pdu(**{**QUIET, **NEGOTIATED, "kind": "alter_context_resp", "token": "AP-REP"}),
            "MSRPC:c/o Alter Cont Resp: Call=0x2 Assoc Grp=0x5E68 Xmit=0x16D0 Recv=0x16D0 Kerberos: AP Response",
        ),
        (pdu(**{**QUIET, "kind": "alter_context"}), "MSRPC:c/o Alter Cont: unknown Call=0x2"),
        (pdu(**{**QUIET, "kind": "auth3"}), "MSRPC:c/o Auth3: Call=0x2"),
        (
            pdu(**{**QUIET, "kind": "request", "call_id": 5, "opnum": 3, "context_id": 1, "alloc_hint": 144}),
            "MSRPC:c/o Request: unknown Call=0x5 Opnum=0x3 Context=0x1 Hint=0x90",
        ),
        (
            pdu(**{**QUIET, "kind": "response", "call_id": 5, "context_id": 1, "cancel_count": 0}),
            "MSRPC:c/o Response: unknown Call=0x5 Context=0x1 Cancels=0x0",
        ),
        (
            pdu(
                **{
                    **QUIET,
                    "kind": "response",
                    "context_id": 1,
                    "interface_uuid": "e1af8308-5d1f-11c9-91a4-08002b14a0fa",
                }
            ),
            "MSRPC:c/o Response: EPT(EPMP) {E1AF8308-5D1F-11C9-91A4-08002B14A0FA} Call=0x2 Context=0x1",
        ),
        (pdu(**{**QUIET, "kind": "shutdown", "call_id": 0}), "MSRPC:c/o Shutdown: Call=0x0"),
        (pdu(**{**QUIET, "kind": "ping", "conversations": (("UDP", 3),)}), "MSRPC:c/l Ping: Call=0x2"),
        (pdu(**{**QUIET, "kind": "pdu_type_77"}), "MSRPC:c/o pdu_type_77: Call=0x2"),
        (
            pdu(kind="bind", sname=("RPCSS", "novice.domainb.com"), realm=None),
            "MSRPC:c/o Bind: unknown UUID{00000001-0000-0000-C000-000000000046} Call=0x2"
            " Kerberos: AP Request Ticket[Realm: , Sname: RPCSS/novice.domainb.com]",
        ),
        (
            pdu(**{**QUIET, "kind": "fault", "status": 0x1C010003}),
            "MSRPC:c/o Fault: Call=0x2 Status=0x1C010003",
        ),
    ],
)
def test_sibling_lines(line: PduLine, expected: str) -> None:
    assert netmon_line(line) == expected


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_name_from_the_capture_cannot_start_a_line(text: str) -> None:
    report = article_report(pdus=(pdu(realm=text, sname=(text, text), kind="alter_context"),))
    assert text_of(report).count("\n") == 1
