"""NTLM after a Kerberos error: the same client, shortly after, about the same host where names tell, not made good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from capture_views import unjoined
from incident_records import (
    REALM_A,
    REALM_B,
    ap_exchange,
    as_exchange,
    call,
    exchange,
    ntlm_authentication,
    ntlm_call,
    refused,
    report,
    tgs_exchange,
    ticket,
)
from shared_captures import SHARED, needs_shared

from rpctrace.correlation import fallback
from rpctrace.report import Clock, Host, KerberosExchange, Ntlm, Report

CIFS = ("cifs", "dc1.domainb.com")


def error(identity: str, second: float, *sname: str, **changes: Any) -> KerberosExchange:
    return tgs_exchange(identity, second, None, None, **{"sname": sname or CIFS, **refused(), **changes})


def after(*records: Any, **changes: Any) -> str | None:
    """What the one NTLM authentication among the records, or else the one call, came after."""
    joined = fallback.join(report(*records, **changes))
    if joined.authentications:
        return joined.authentications[0].after_error
    return joined.calls[0].auth.after_error if joined.calls[0].auth else None


def test_an_authentication_and_a_call_name_the_error_before() -> None:
    assert after(error("krb-1", 1), ntlm_authentication("auth-1", 2)) == "krb-1"
    assert after(error("krb-1", 1), ntlm_call("call-1", 2)) == "krb-1"


@pytest.mark.parametrize("said", [as_exchange("krb-1", 1, None, cname=("alice",), **refused(24)), ap_exchange(
    "krb-1", 1, ticket(REALM_B, *CIFS), **refused(37)
), exchange("krb-1", 1, kind=None, request_frame=None, request_ns=None, **refused(41))])  # fmt: skip
def test_errors_of_every_kind_count(said: KerberosExchange) -> None:
    assert after(said, ntlm_authentication("auth-1", 2)) == "krb-1"


@pytest.mark.parametrize("ordinary", [25, 52])
def test_steps_that_everybody_takes_are_no_errors(ordinary: int) -> None:
    assert after(error("krb-1", 1, error=ordinary), ntlm_authentication("auth-1", 2)) is None


def test_only_shortly_before_and_only_of_the_same_client() -> None:
    late = 1 + fallback.FALLBACK_NS / 1e9
    assert after(error("krb-1", 1), ntlm_authentication("auth-1", late)) == "krb-1"
    assert after(error("krb-1", 1), ntlm_authentication("auth-1", late + 0.1)) is None
    assert after(error("krb-1", 1), ntlm_authentication("auth-1", 0.5)) is None
    assert after(error("krb-1", 1, client=Host("10.77.0.99", 1, None)), ntlm_authentication("auth-1", 2)) is None


def test_the_same_host_counts_before_a_later_error_about_another() -> None:
    """By the name asked for, the name of the address, the address itself, or the server's own name in NTLM."""
    about, other = error("krb-1", 1), error("krb-2", 2, "cifs", "files.domainb.com")
    for names in (
        {"target": "\\\\DC1.domainb.com\\share"},
        {"target": "dc1"},
        {"server": Host("10.77.0.12", 445, "dc1.domainb.com")},
        {},  # NTLM's target is DC1
    ):
        assert after(about, other, ntlm_authentication("auth-1", 3, **names)) == "krb-1"
    address = error("krb-1", 1, "cifs", "10.77.0.12")
    assert after(address, other, ntlm_authentication("auth-1", 3, ntlm=None)) == "krb-1"


def test_an_error_about_another_host_than_the_client_asked_for_is_not_meant() -> None:
    """Where the client's own words for the host are not known, names prove no difference: it may have several."""
    other = error("krb-1", 1, "cifs", "files.domainb.com")
    assert after(other, ntlm_authentication("auth-1", 2, target="\\\\dc1.domainb.com")) is None
    assert after(other, ntlm_authentication("auth-1", 2)) == "krb-1"
    user = error("krb-1", 1, "Administrator")
    assert after(user, ntlm_authentication("auth-1", 2, target="\\\\dc1.domainb.com")) == "krb-1"


def test_of_errors_that_names_do_not_tell_apart_the_latest_counts() -> None:
    errors = [error("krb-1", 1, "Administrator"), error("krb-2", 2, "Administrator")]
    assert after(*errors, ntlm_authentication("auth-1", 3)) == "krb-2"


def test_what_was_made_good_does_not_count() -> None:
    """The same service's ticket was issued after all, or presented with success, before NTLM began."""
    granted = tgs_exchange("krb-2", 1.5, None, ticket(REALM_B, *CIFS))
    assert after(error("krb-1", 1), granted, ntlm_authentication("auth-1", 2)) is None
    taken = ap_exchange("krb-2", 1.5, ticket(REALM_B, "CIFS", "dc1.domainb.com"))
    assert after(error("krb-1", 1), taken, ntlm_authentication("auth-1", 2)) is None
    later = replace(granted, request_ns=3_000_000_000, reply_ns=3_010_000_000)
    assert after(error("krb-1", 1), later, ntlm_authentication("auth-1", 2)) == "krb-1"
    other = tgs_exchange("krb-2", 1.5, None, ticket(REALM_B, "ldap", "dc1.domainb.com"))
    assert after(error("krb-1", 1), other, ntlm_authentication("auth-1", 2)) == "krb-1"


def test_a_logon_of_somebody_else_is_not_meant() -> None:
    """Where NTLM names its user yet; an enterprise name is the user's too."""
    failed = as_exchange("krb-1", 1, None, cname=("Alice@child.domaina.com",), **refused(24))
    assert after(failed, ntlm_authentication("auth-1", 2)) == "krb-1"
    assert after(failed, ntlm_authentication("auth-1", 2, ntlm=Ntlm("DOMAINB", "bob", None, None))) is None
    assert after(failed, ntlm_authentication("auth-1", 2, ntlm=Ntlm(None, None, None, "DC1"))) == "krb-1"


def test_what_is_not_ntlm_or_carries_no_token_comes_after_nothing() -> None:
    kerberos = ntlm_authentication("auth-1", 2, mechanism="kerberos", tokens=("AP-REQ",))
    assert after(error("krb-1", 1), kerberos) is None
    signed = ntlm_call("call-1", 2)
    assert signed.auth is not None
    assert after(error("krb-1", 1), replace(signed, auth=replace(signed.auth, token=None))) is None
    plain = call("call-1", 2)
    assert fallback.join(report(error("krb-1", 1), plain)).calls == (plain,)


def test_a_client_of_two_families_is_one_client() -> None:
    """A service ticket that was issued to one address was presented by the other."""
    six = Host("fd77::50", 50000, None)
    ldap = ticket(REALM_A, "ldap", "dc1.child.domaina.com", digest="aa")
    known = (tgs_exchange("krb-2", 0.1, None, ldap), ap_exchange("krb-3", 0.2, ldap, client=six))
    assert after(error("krb-1", 1), *known, ntlm_authentication("auth-1", 2, client=six)) == "krb-1"
    assert after(error("krb-1", 1), ntlm_authentication("auth-1", 2, client=six)) is None


def test_captures_without_a_common_clock_are_not_compared() -> None:
    records = (error("krb-1", 1), ntlm_authentication("auth-1", 102, capture=1))
    assert after(*records, captures=2) is None
    assert after(*records, captures=2, clocks=(Clock(1, 0, -100_000_000_000, 0, 2),)) == "krb-1"


def test_without_times_nothing_is_shortly_before() -> None:
    assert after(error("krb-1", 1, reply_ns=None), ntlm_authentication("auth-1", 2, request_ns=None)) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("\\\\DC1.domainb.com\\ipc$",), {"dc1.domainb.com", "dc1"}),
        (("10.77.0.12", None, ""), {"10.77.0.12"}),
        (("fd77::12",), {"fd77::12"}),
        (("DC1",), {"dc1"}),
    ],
)
def test_names_of_hosts(names: tuple[str | None, ...], expected: set[str]) -> None:
    assert fallback.host_names(names) == expected


def negotiations(joined: Report) -> list[tuple[int, int | None]]:
    """Of the calls that fell back: the frame, and the frame of the error."""
    errors = {each.id: each.reply_frame for each in joined.kerberos}
    return [
        (each.request_frames[-1], errors[each.auth.after_error])
        for each in joined.calls
        if each.auth is not None and each.auth.after_error is not None
    ]


@needs_shared
def test_a_windows_client_that_falls_back() -> None:
    """S_PRINCIPAL_UNKNOWN in frames 53 and 80; NTLM follows in the alter_contexts of two connections. The NTLM of the
    activation before the first error comes after nothing."""
    joined = fallback.join(unjoined(SHARED / "public" / "dcom-classfactory-ntlm-fallback.pcap"))
    assert negotiations(joined) == [(59, 53), (61, 53), (86, 80), (88, 80)]


@needs_shared
def test_a_client_that_corrects_its_clock_does_not_fall_back() -> None:
    joined = fallback.join(unjoined(SHARED / "lab" / "e-misconfig" / "clockskew-rpcclient-np.pcap"))
    assert [each.error for each in joined.kerberos] == [37, None]
    assert {each.after_error for each in joined.authentications} == {None}
