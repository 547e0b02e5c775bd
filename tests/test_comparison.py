"""Two runs: what differs is found whatever ports, times, ids and frames are; more of a kind does not shift it."""

from __future__ import annotations

from dataclasses import replace

from incident_records import exchange, ntlm_authentication, refused, report, ticket
from report_values import FINDING, ICLASSFACTORY, KERBEROS, TICKET, answered_call, full_report, refused_call

from rpctrace.comparison import Changed, compare, exchange_facets
from rpctrace.report import Call, Host, Report

ELSEWHERE = {
    "id": "other", "connection": "tcp-77", "client": Host("10.9.9.9", 1, None), "server": Host("10.9.9.8", 2, "x"),
    "request_frames": (900,), "reply_frames": (901,), "request_ns": 5, "reply_ns": 6, "call_id": 77,
    "association_group": 4, "ticket": replace(TICKET, frame=900, fingerprint="ab"),
}  # fmt: skip


def worked(call: Call, **changes: object) -> Call:
    values = {"outcome": "accepted", "status": None, "status_hex": None, "status_name": None, "reply": "x"}
    return replace(call, **{**values, **changes})  # type: ignore[arg-type]


def test_a_report_does_not_differ_from_itself() -> None:
    full = full_report()
    comparison = compare(full, full)
    assert comparison.differences == ()
    assert comparison.same > 5
    assert (comparison.findings_bad, comparison.findings_good) == ((), ())


def test_what_differs_from_run_to_run_is_not_compared() -> None:
    """Ports, hosts, times, ids, frames, the ticket's octets."""
    assert compare(report(refused_call()), report(refused_call(**ELSEWHERE))).differences == ()


def test_what_only_one_run_has_is_a_difference_whatever_it_says() -> None:
    """Also an exchange of which nothing is known that is compared."""
    silent = exchange("krb-1", 1, sname=("host", "a"), reply=None, realm=None)
    assert set(exchange_facets(silent).values()) == {None}
    comparison = compare(report(silent), report())
    assert [each.good for each in comparison.differences] == [None]
    assert comparison.same == 0


def test_a_bind_is_known_by_its_interface() -> None:
    """Whatever feature negotiation stands before it."""
    negotiation = replace(ICLASSFACTORY, uuid="6cb71c2c-9812-4540-0300-000000000000", name="bind time features")
    first = refused_call(interfaces=(negotiation, ICLASSFACTORY))
    assert compare(report(first), report(refused_call())).differences == ()


def test_a_changed_call_is_one_difference_with_both_sides() -> None:
    """What changed, from what to what, and where in each."""
    bad = refused_call()
    good = worked(refused_call(**ELSEWHERE), auth=replace(KERBEROS, reply_token="AP-REP"))
    (difference,) = compare(report(bad), report(good)).differences
    assert difference.about == "alter_context of IClassFactory"
    assert difference.bad is not None
    assert difference.good is not None
    assert (difference.bad.frames, difference.good.frames) == ((22, 23), (900, 901))
    assert difference.changed == (
        Changed("outcome", "faulted", "accepted"),
        Changed("status", "RPC_S_SEC_PKG_ERROR", None),
        Changed("answer's token", None, "AP-REP"),
    )


def calls(count: int, **changes: object) -> list[Call]:
    return [answered_call(id=f"call-{n}", request_frames=(n,), reply_frames=(n,), **changes) for n in range(count)]


def test_repetitions_do_not_hide_the_one_that_failed() -> None:
    """Three times as many calls in the good run: the failed one has no partner, equal ones have."""
    failed = answered_call(id="failed", request_frames=(9,), reply_frames=(9,), outcome="faulted", status_name="X")
    comparison = compare(report(*calls(2), failed), report(*calls(9)))
    assert comparison.same == 2
    first = comparison.differences[0]
    assert (first.bad and first.bad.id, first.good and first.good.id) == ("failed", "call-2")
    assert [each.bad for each in comparison.differences[1:]] == [None] * 6


def test_what_is_missing_stands_where_it_would_have_been() -> None:
    """Behind what came before it in the good run, before what the failing run did later."""
    first, second = answered_call(id="a", request_frames=(70,), reply_frames=(71,)), refused_call(request_frames=(90,))
    asked = exchange("krb-1", 0.01, sname=("host", "a"))  # frame 2 of the good run, where all is earlier
    good = (replace(first, request_frames=(1,)), asked, worked(replace(second, request_frames=(5,))))
    comparison = compare(report(first, second), report(*good))
    assert [each.about.split()[0] for each in comparison.differences] == ["TGS", "alter_context"]


def test_the_first_difference_is_the_first_of_the_failing_run() -> None:
    """By frame, whatever kind it is."""
    late = refused_call(request_frames=(500,), reply_frames=(501,))
    early = exchange("krb-1", 1, **refused())
    comparison = compare(report(late, early), report(worked(late), replace(early, error=None, error_name=None)))
    assert [each.about.split()[0] for each in comparison.differences] == ["TGS", "alter_context"]


def test_kdcs_and_authentications_are_compared_too() -> None:
    """An error, a realm that was asked, NTLM in place of Kerberos; ordinary steps of asking are not."""
    issued = exchange("krb-1", 1, sname=("host", "a"), ticket=ticket("A", "host", "a"))
    pre = exchange("krb-2", 2, **refused(25, "KDC_ERR_PREAUTH_REQUIRED"))
    login = ntlm_authentication("auth-1", 3)
    good = report(issued, replace(login, mechanism="kerberos"))
    bad = report(replace(issued, realm="OTHER.NET"), pre, login)
    changes = {row.name: (row.bad, row.good) for each in compare(bad, good).differences for row in each.changed}
    assert changes == {"realm": ("OTHER.NET", "CHILD.DOMAINA.COM"), "mechanism": ("ntlm", "kerberos")}


def test_findings_of_one_run_alone() -> None:
    """Notes do not count."""
    bad: Report = replace(report(refused_call()), findings=(FINDING, replace(FINDING, rule="x", severity="note")))
    assert compare(bad, report()).findings_bad == ("pac-xforest-u2u",)
    assert compare(report(), bad).findings_good == ("pac-xforest-u2u",)
