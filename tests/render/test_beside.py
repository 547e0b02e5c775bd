"""What happened before and beside the calls, one sentence each, with the frames that show it."""

from __future__ import annotations

from dataclasses import replace

from report_values import (
    AUTHENTICATION,
    CLIENT,
    ENDPOINT,
    EVENT,
    PATH,
    SERVER,
    START_NS,
    answered_call,
    article_report,
    empty_report,
    full_report,
    refused_call,
)

from rpctrace.render.beside import beside_lines
from rpctrace.render.words import ASCII_SIGNS
from rpctrace.report import Dcom, Host, Ntlm, Report, SecureChannel, TicketName

KDC = Host("10.2.0.10", 88, None)
ERROR = replace(full_report().kerberos[0], capture=0)
ISSUED = replace(
    ERROR, id="krb-2", error=None, error_name=None, ntstatus_hex=None, reply="TGS-REP", sname=("novice",), server=KDC,
    hop=2, ticket=TicketName("child.domainA.COM", ("novice",), 18, None, None),
)  # fmt: skip


def lines(report: Report) -> list[str]:
    return list(beside_lines(report, ASCII_SIGNS))


def test_nothing_beside_says_nothing() -> None:
    """Not even that no KDC was captured."""
    assert lines(empty_report()) == lines(article_report()) == []


def test_an_error_that_was_got_over_says_so() -> None:
    """User-to-user after KDC_ERR_MUST_USE_USER2USER."""
    later = replace(
        ERROR, id="krb-3", error=None, request_frame=14, reply_frame=15, outcome="answered", user_to_user=True
    )
    (line,) = lines(article_report(calls=(), kerberos=(replace(ERROR, outcome="rejected"), later)))
    assert line.endswith("; got as user-to-user in frames 14 -> 15")


def test_a_logon_of_another_user_gets_over_nothing() -> None:
    """Of the public kinit.pcap every refused user was said to have got a ticket in the frames of the one who did."""
    refused = replace(ERROR, kind="AS", cname=("enterprise",), sname=("krbtgt", "A"), outcome="rejected")
    later = replace(refused, id="krb-3", error=None, request_frame=14, reply_frame=15, outcome="answered")
    (other,) = lines(article_report(calls=(), kerberos=(refused, replace(later, cname=("valid",)))))
    (same,) = lines(article_report(calls=(), kerberos=(refused, replace(later, cname=("Enterprise",)))))
    assert "; got" not in other
    assert same.endswith("; got in frames 14 -> 15")


def test_errors_of_two_users_are_two_lines_each_with_what_followed() -> None:
    """Both on one terminal server; one gets in."""
    refused = replace(ERROR, kind="AS", sname=("krbtgt", "A"), outcome="rejected")
    alice, bob = replace(refused, cname=("alice",)), replace(refused, id="krb-2", cname=("bob",))
    later = replace(alice, id="krb-3", error=None, request_frame=14, reply_frame=15, outcome="answered")
    first, second = lines(article_report(calls=(), kerberos=(alice, bob, later)))
    assert "(alice)" in first
    assert first.endswith("; got in frames 14 -> 15")
    assert "(bob)" in second
    assert "; got" not in second


def test_errors_of_one_kind_are_one_line_and_ordinary_ones_none() -> None:
    """Pre-authentication required is a step of every logon."""
    ordinary = replace(ERROR, error=25, error_name="KDC_ERR_PREAUTH_REQUIRED")
    (line,) = lines(Report(article_report().tool, (), (), kerberos=(ERROR, ERROR, ordinary)))
    assert line.startswith(
        "KDC_ERR_S_PRINCIPAL_UNKNOWN (7) for RPCSS/novice.domainb.com: told by child.domainA.COM to 10.2.0.21"
    )
    assert line.endswith(", STATUS_NO_SUCH_USER, frames 10 -> 11, KDC dc.child.domaina.com (10.2.0.10:88), 2 times")


def test_a_path_that_stopped() -> None:
    """Its realms, how it ended, its frames, and what is missing."""
    (line, *_) = lines(article_report(kerberos=(ERROR,), referral_paths=(PATH,), calls=()))
    assert "child.domainA.COM -> DOMAINB.COM, refused, KDC_ERR_S_PRINCIPAL_UNKNOWN (7) (frames 10 -> 11)" in line
    assert line.endswith("missing: the ticket-granting ticket was issued before the capture")


def test_ntlm_after_an_error_of_kerberos() -> None:
    """Which error, about what, and how long before."""
    said = replace(
        AUTHENTICATION, capture=0, ticket=None, outcome="accepted", status=0, status_hex="0x00000000",
        status_name="STATUS_SUCCESS", kerberos_error=None, kerberos_error_name=None,
        request_ns=START_NS + 14_000_000_000,
    )  # fmt: skip
    (_, line) = lines(article_report(calls=(), kerberos=(ERROR,), authentications=(said,)))
    assert line == (
        "ntlm as DOMAINB\\novice to FILES ([fe80::1]:445) over smb: accepted, frames 20 -> 21, "
        "500 ms after KDC_ERR_S_PRINCIPAL_UNKNOWN (7) for RPCSS/novice.domainb.com"
    )
    assert lines(article_report(calls=(), authentications=(replace(said, after_error=None),))) == []


def test_a_call_that_took_ntlm_after_an_error_of_kerberos() -> None:
    """The legs of one connection are one line."""
    auth = replace(
        refused_call().auth, mechanism="ntlm", token="NEGOTIATE", after_error="krb-1", kerberos_error=None,
        ntlm=Ntlm("DOMAINB", "novice", None, None),
    )  # fmt: skip
    late = START_NS + 13_500_000_000 + 2_000_000
    legs = tuple(
        refused_call(id=f"call-{n}", outcome="accepted", auth=auth, ticket=None, request_frames=(n,), request_ns=late)
        for n in (30, 32)
    )
    (_, line) = lines(article_report(calls=legs, kerberos=(ERROR,)))
    assert line == (
        "NTLM in place of Kerberos as DOMAINB\\novice to 10.3.0.33:52042 (alter_context, frames 30, 32), 2 ms after "
        "KDC_ERR_S_PRINCIPAL_UNKNOWN (7) for RPCSS/novice.domainb.com"
    )


def test_endpoints_not_registered_and_events() -> None:
    """A good answer is not told, a refused connection is."""
    registered = replace(ENDPOINT, status=0)
    event = replace(EVENT, capture=0, name=None, status=None, status_hex=None, status_name=None, client=CLIENT)
    told = lines(article_report(calls=(), endpoints=(registered, replace(ENDPOINT, capture=0)), events=(event,)))
    assert told == [
        "ept_map of samr: ept_s_not_registered (frame 7)",
        "connection refused 2 times: 10.2.0.21 to 10.3.0.33:52042 (frames 1, 2)",
    ]


def test_a_refused_port_that_an_answer_had_named() -> None:
    """Which answer, in which frame, for what."""
    endpoint = replace(ENDPOINT, capture=0, status=0, purpose="samr")
    event = replace(EVENT, capture=0, name=None, status_hex=None, endpoint="endpoint-1")
    (line,) = lines(article_report(calls=(), endpoints=(endpoint,), events=(event,)))
    assert line.endswith("(frames 1, 2), where ept_map (frame 7) had named samr")


def test_events_of_one_kind_between_the_same_hosts_are_one_line() -> None:
    """Attempts are added up; of other events each counts once, and its first frame is named."""
    quiet = {"capture": 0, "name": None, "status_hex": None}
    endpoints = tuple(replace(ENDPOINT, id=each, capture=0, status=0, purpose="samr") for each in ("e1", "e2"))
    events = tuple(replace(EVENT, **quiet, endpoint=f"e{n}", frames=(10 * n, 10 * n + 1)) for n in (1, 2))
    (line,) = lines(article_report(calls=(), endpoints=endpoints, events=events))
    assert line == (
        "connection refused 4 times: 10.2.0.21 to 10.3.0.33:52042 (frames 10, 20), "
        "where ept_map (frame 7) had named samr"
    )
    resets = tuple(
        replace(EVENT, **quiet, kind="reset", text="connection reset", endpoint=None, frames=(n,), count=1)
        for n in range(5)
    )
    assert lines(article_report(calls=(), events=resets)) == [
        "connection reset 5 times: 10.2.0.21 to 10.3.0.33:52042 (frames 0, 1, 2 and 2 more)"
    ]
    other = replace(resets[0], server=replace(SERVER, port=1))
    assert len(lines(article_report(calls=(), events=(*resets, other)))) == 2


def test_authentications_that_read_the_same_are_one_line() -> None:
    """With how many there were, and where; one of another end stays apart."""
    refused = replace(AUTHENTICATION, capture=0, after_error=None)
    same = tuple(replace(refused, id=f"auth-{n}", request_frame=n, reply_frame=n + 1) for n in (20, 30))
    accepted = replace(refused, kerberos_error=None, status=1, status_name="STATUS_X")
    first, second = lines(article_report(calls=(), authentications=(*same, accepted)))
    assert first.endswith(", frames 20 -> 21, 30 -> 31, 2 times")
    assert second.endswith("STATUS_X, in clear, frames 20 -> 21")


def test_answers_that_refuse() -> None:
    """An activation by its HRESULT, a logon by its NTSTATUS; good ones are not told."""
    dcom = Dcom(None, None, 0x80070005, "0x80070005", "E_ACCESSDENIED", clsid="c", class_name="MMC20.Application")
    channel = SecureChannel(
        "NetrServerAuthenticate3", False, False, 1, 1, "WS1", "WS1$", 2, None, None, None, None, None, None, None,
        0xC0000022, "0xc0000022", "STATUS_ACCESS_DENIED",
    )  # fmt: skip
    calls = (
        answered_call(operation="RemoteCreateInstance", dcom=dcom, request_frames=(4,), reply_frames=(5,)),
        answered_call(
            operation="NetrServerAuthenticate3", secure_channel=channel, request_frames=(6,), reply_frames=(7,)
        ),
        answered_call(dcom=replace(dcom, hresult=0)),
    )
    assert lines(article_report(calls=calls)) == [
        "RemoteCreateInstance of MMC20.Application E_ACCESSDENIED 0x80070005: 10.2.0.21 to 10.3.0.33:52042 "
        "(frames 4 -> 5)",
        "NetrServerAuthenticate3 of WS1$ STATUS_ACCESS_DENIED: 10.2.0.21 to 10.3.0.33:52042 (frames 6 -> 7)",
    ]
