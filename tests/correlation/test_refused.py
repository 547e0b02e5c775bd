"""Proves: a ticket is called refused where the answer to it refuses and does not show that the server could read it.
The lab's misconfig-smbclient shows the one that matters: a name that sits on the wrong account."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from incident_records import REALM_B, ap_exchange, call, frame_at, ntlm_authentication, refused, report, shown, ticket
from report_values import KERBEROS

from rpctrace.correlation.refused import refused_tickets

NAME = ticket(REALM_B, "cifs", "app1.domainb.com")
HERE = (0, frame_at(1))
SHOWN = shown(NAME, frame_at(1))
SAID = replace(KERBEROS, token="AP-REQ", reply_token=None, kerberos_error=None)


def bind(**changes: Any) -> Any:
    auth = replace(SAID, **{name: changes.pop(name) for name in ("reply_token", "kerberos_error") if name in changes})
    return call("c", 1, **{"kind": "bind", "auth": auth, "ticket": SHOWN, "outcome": "rejected", **changes})


def session_setup(**changes: Any) -> Any:
    said = {"mechanism": "kerberos", "tokens": ("AP-REQ",), "ticket": SHOWN, "outcome": "rejected", **changes}
    return ntlm_authentication("a", 1, ntlm=None, **said)


def exchange(error: int) -> Any:
    return ap_exchange("k", 1, NAME, **refused(error))


@pytest.mark.parametrize(
    "record",
    [
        bind(),
        bind(outcome="faulted"),
        bind(kerberos_error=41),
        bind(kind="auth3", outcome="faulted"),
        session_setup(),
        session_setup(kerberos_error=41),
        exchange(41),
    ],
)
def test_refused(record: Any) -> None:
    """41: KRB_AP_ERR_MODIFIED."""
    made = report(record)
    assert refused_tickets((*made.calls, *made.authentications), made.kerberos) == {HERE}


@pytest.mark.parametrize(
    "record",
    [
        bind(outcome="accepted"),
        bind(outcome="unanswered"),
        bind(outcome="not captured"),
        bind(reply_token="AP-REP"),
        bind(kerberos_error=37),
        bind(auth=None),
        call("c", 2, auth=SAID, ticket=SHOWN, outcome="faulted"),
        session_setup(outcome="accepted"),
        session_setup(outcome="not captured"),
        session_setup(kerberos_error=37),
        session_setup(reply_token="AP-REP"),
        exchange(37),
        ap_exchange("k", 1, NAME),
    ],
)
def test_not_refused(record: Any) -> None:
    """Taken, or not answered; refused for another reason than the ticket (its AP-REP is there, the clocks differ); a
    later request of the same security context that failed."""
    made = report(record)
    assert refused_tickets((*made.calls, *made.authentications), made.kerberos) == frozenset()
