"""Proves: results, tickets, hosts and durations read as promised, also where the capture lacks a part of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import (
    CLIENT,
    EXTENDED_ERROR,
    ICLASSFACTORY,
    KERBEROS,
    TICKET,
    answered_call,
    capture,
    full_report,
    refused_call,
)

from rpctrace.render.words import (
    ASCII_SIGNS,
    capture_words,
    clock_words,
    duration_words,
    endpoint_words,
    exchange_result,
    extended_error_words,
    frames_words,
    interface_words,
    pipe_words,
    presented_words,
    result_words,
    stopped_words,
    ticket_name,
    ticket_words,
    user_words,
)
from rpctrace.report import Call, Clock, Ntlm, TicketName

REJECTED = refused_call(
    reply="bind_ack", outcome="rejected", status=None, status_hex=None, status_name=None, fault=None
)
SKEW = replace(KERBEROS, kerberos_error=37, kerberos_error_name="KRB_AP_ERR_SKEW", reply_token="KRB-ERROR")
REFUSED_CONTEXT = replace(
    ICLASSFACTORY,
    result=2,
    result_name="provider_rejection",
    reason=1,
    reason_name="abstract_syntax_not_supported",
)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (refused_call(), "RPC_S_SEC_PKG_ERROR 0x00000721"),
        (refused_call(status_name=None), "fault 0x00000721"),
        (refused_call(status=None, status_hex=None, status_name=None), "fault, status not captured"),
        (refused_call(auth=SKEW), "RPC_S_SEC_PKG_ERROR 0x00000721 KRB_AP_ERR_SKEW (37)"),
        (replace(REJECTED, auth=SKEW), "KRB_AP_ERR_SKEW (37)"),
        (
            replace(
                REJECTED, reply="bind_nak", reject_reason=8, reject_reason_name="authentication_type_not_recognized"
            ),
            "bind_nak authentication_type_not_recognized",
        ),
        (replace(REJECTED, reply="bind_nak", reject_reason=77), "bind_nak reason 77"),
        (replace(REJECTED, reply="bind_nak"), "bind_nak reason not captured"),
        (
            replace(REJECTED, interfaces=(REFUSED_CONTEXT, REFUSED_CONTEXT)),
            "provider_rejection: abstract_syntax_not_supported",
        ),
        (REJECTED, "token refused in bind_ack"),
        (answered_call(outcome="unanswered", reply=None), "unanswered"),
        (answered_call(outcome="not captured", reply=None), "not captured"),
    ],
)
def test_the_result_of_a_call(call: Call, expected: str) -> None:
    assert result_words(call).replace("\n", " ") == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (refused_call(), "novice@child.domainA.COM (user-to-user) in alter_context, frame 22"),
        (refused_call(ticket=None), "none (kerberos)"),
        (refused_call(ticket=None, auth=None), "none"),
        (
            refused_call(ticket=None, auth=replace(KERBEROS, mechanism="ntlm", ntlm=Ntlm("DOM", "user", None, None))),
            "none (ntlm, DOM\\user)",
        ),
        (
            refused_call(ticket=None, auth=replace(KERBEROS, mechanism="ntlm", ntlm=Ntlm(None, "user", None, None))),
            "none (ntlm, user)",
        ),
        (
            refused_call(ticket=None, auth=replace(KERBEROS, mechanism="ntlm", ntlm=Ntlm(None, None, None, None))),
            "none (ntlm)",
        ),
    ],
)
def test_what_a_call_presented(call: Call, expected: str) -> None:
    assert presented_words(call).replace("\n", " ") == expected


def test_a_ticket_of_which_a_part_is_missing() -> None:
    plain = replace(TICKET, user_to_user=False)
    assert ticket_words(replace(plain, sname=("host", "dc.x"), realm=None)) == "host/dc.x"
    assert ticket_words(replace(plain, sname=())) == "?@child.domainA.COM"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (refused_call(), "22 -> 23"),
        (refused_call(request_frames=(20, 22), reply_frames=(23, 25)), "22 -> 25"),
        (refused_call(request_frames=()), "? -> 23"),
        (answered_call(outcome="unanswered", reply_frames=()), "22"),
        (answered_call(outcome="not captured", reply_frames=()), "22 -> ?"),
    ],
)
def test_the_frames_of_a_call(call: Call, expected: str) -> None:
    assert frames_words(call, ASCII_SIGNS) == expected


def test_interfaces_are_named_once_and_operations_follow() -> None:
    unnamed = replace(ICLASSFACTORY, name=None)
    assert interface_words(refused_call(interfaces=(ICLASSFACTORY, ICLASSFACTORY))) == "IClassFactory"
    assert interface_words(refused_call(interfaces=(unnamed, ICLASSFACTORY))) == f"{unnamed.uuid},\nIClassFactory"
    assert interface_words(answered_call()) == "IClassFactory\nRemoteCreateInstance"
    assert interface_words(answered_call(operation=None)) == "IClassFactory\nopnum 3"
    assert interface_words(answered_call(interfaces=())) == "RemoteCreateInstance"


def test_hosts() -> None:
    assert endpoint_words(CLIENT) == "10.2.0.21:49834"
    assert endpoint_words(replace(CLIENT, address="fe80::1", name="PC\x1b")) == "PC\\x1b ([fe80::1]:49834)"


@pytest.mark.parametrize(
    ("duration_ns", "expected"),
    [
        (0, "0 us"),
        (850, "0.85 us"),
        (42_000_000, "42 ms"),
        (999_400_000, "999 ms"),
        (999_600_000, "1 s"),
        (999_700, "1 ms"),
        (999_600_000_000, "1000 s"),
        (13_500_000_000, "13.5 s"),
        (7_200_000_000_000, "7200 s"),
        (-42_000_000, "-42 ms"),
    ],
)
def test_durations(duration_ns: int, expected: str) -> None:
    assert duration_words(duration_ns) == expected


def test_captures() -> None:
    assert capture_words(capture()) == "Network Monitor, 29 frames, 2012-03-04 09:15:02.000 UTC, 13.5 s"
    assert capture_words(capture(format="pcap", compression="gzip", frames=1, first_ns=None)) == "pcap (gzip), 1 frame"
    assert capture_words(capture(format="new", first_ns=None)) == "new, 29 frames"


def test_kerberos_results() -> None:
    (exchange,) = full_report().kerberos
    assert exchange_result(exchange) == "KDC_ERR_S_PRINCIPAL_UNKNOWN (7)\nSTATUS_NO_SUCH_USER"
    referral = replace(exchange, error=None, reply="TGS-REP", ntstatus=None, referral_to="DOMAINB.COM")
    assert exchange_result(referral) == "TGS-REP\nreferral to DOMAINB.COM"
    assert exchange_result(replace(referral, reply=None, referral_to=None)) == "no reply seen"


def test_an_extended_error_without_names() -> None:
    bare = replace(
        EXTENDED_ERROR,
        computer=None,
        component_name=None,
        status_name=None,
        location_name=None,
        parameters=(),
        time=None,
    )
    assert extended_error_words(bare) == "status 0xc0000064, process 652, component 8, detection location 72"


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        (Clock(1, 0, 0, 5, 9), "its clock agrees with that of [1], by 9 frames that both hold"),
        (
            Clock(1, 0, 3_000_000_000, 1_000_000, 1),
            "its clock is 3 s (give or take 1 ms) behind that of [1], by 1 frame that both hold",
        ),
        (Clock(2, 1, -2_000_000, 0, 4), "its clock is 2 ms ahead of that of [2], by 4 frames that both hold"),
        (Clock(1, 0, 0, 0, 0), "goes on where [1] ends"),
    ],
)
def test_how_clocks_stand_to_each_other(clock: Clock, words: str) -> None:
    """What has to be added makes a clock one that is behind."""
    assert clock_words(clock) == words


def test_a_pipe_of_which_only_the_middle_was_captured() -> None:
    """Says so; a TCP connection has none."""
    call = refused_call(transport="ncacn_np", pipe=None)
    assert pipe_words(call) == "(pipe opened before the capture)"
    assert pipe_words(refused_call()) is None


def test_a_hidden_user_is_none() -> None:
    """RFC 8062: the name that stands for one; the lab's clients hide theirs in requests to a KDC."""
    assert user_words(("WELLKNOWN", "ANONYMOUS")) == ""
    assert user_words(("host", "dc1")) == "host/dc1"


def test_a_ticket_is_named_alike_where_it_was_issued_and_where_it_was_presented() -> None:
    assert ticket_name(TicketName(TICKET.realm, TICKET.sname, 18, None, None)) == ticket_name(TICKET)
    assert ticket_name(TicketName(None, (), 18, None, None)) == "?"


def test_where_reading_stopped() -> None:
    """Not at octet None, where nobody knows."""
    assert stopped_words(4711) == "reading stopped at octet 4711"
    assert stopped_words(None) == "reading stopped"
