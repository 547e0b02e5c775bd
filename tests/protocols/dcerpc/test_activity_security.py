"""[MS-RPCE] 2.2.3.5: the tokens of the conversation manager, and the contexts that requests name."""

from __future__ import annotations

from builders import kerberos, ntlm

from rpctrace.protocols.dcerpc.activity_security import (
    MAXIMUM_TOKEN_OCTETS,
    MAXIMUM_TOKEN_PARTS,
    PRESENTED_IN,
    ActivitySecurity,
)
from rpctrace.protocols.dcerpc.datagram import Verifier

AP_REQ = kerberos.ap_req(kerberos.ticket("DOMAINB.COM", kerberos.principal("host", "dc1")))
SIGNED = Verifier(5, 3, memoryview(b"signature"))


def test_nothing_known() -> None:
    security = ActivitySecurity()
    assert (security.ticket, security.ntlm, security.mechanism, security.authentication()) == (
        None, None, "unknown", None,
    )  # fmt: skip


def test_a_request_names_its_context() -> None:
    running = ActivitySecurity().of_request(10, SIGNED)
    assert (running.context_id, running.auth_type, running.auth_level, running.mechanism, running.token) == (
        3, 10, 5, "ntlm", None,
    )  # fmt: skip


def test_a_ticket_in_parts() -> None:
    security = ActivitySecurity()
    asked = security.of_request(9, SIGNED)
    assert security.client_token(AP_REQ[:100], 0, 8) == "AP-REQ"
    assert security.client_token(AP_REQ[100:], 99, 9) is None  # not where the first part ends
    assert security.client_token(AP_REQ[100:], 100, 10) == "AP-REQ"
    assert security.ticket is not None
    assert (security.ticket.sname, security.ticket.presented_in, security.ticket.frame) == (
        ("host", "dc1"), PRESENTED_IN, 10,
    )  # fmt: skip
    assert security.completed(asked).mechanism == "kerberos"


def test_a_token_begins_anew() -> None:
    security = ActivitySecurity()
    security.of_request(9, SIGNED)
    for frame in (1, 2):
        assert security.client_token(AP_REQ, 0, frame) == "AP-REQ"
    assert security.ticket is not None
    assert security.ticket.frame == 2


def test_a_token_has_a_bound() -> None:
    security = ActivitySecurity()
    assert security.client_token(bytes(MAXIMUM_TOKEN_OCTETS), 0, 1) is not None
    assert security.client_token(b"x", MAXIMUM_TOKEN_OCTETS, 1) is None
    assert 2 * MAXIMUM_TOKEN_OCTETS < security.held_octets < 3 * MAXIMUM_TOKEN_OCTETS


def test_a_token_has_so_many_parts() -> None:
    security = ActivitySecurity()
    kinds = [security.client_token(b"x", index, 1) for index in range(MAXIMUM_TOKEN_PARTS + 9)]
    assert kinds.count(None) == 9
    assert security.client_token(AP_REQ, 0, 2) == "AP-REQ"


def test_challenge_and_answer() -> None:
    security = ActivitySecurity()
    security.of_request(10, SIGNED)
    asked = security.server_token(ntlm.challenge("DOMAINB"))
    assert (asked.token, asked.reply_token) == ("CHALLENGE", None)
    assert security.client_token(ntlm.authenticate("CHILD", "novice", "PC"), 0, 2) == "AUTHENTICATE"
    assert security.ntlm is not None
    assert (security.ntlm.user, security.ntlm.target) == ("novice", "DOMAINB")
    running = security.authentication()
    assert running is not None
    assert running.ntlm == security.ntlm


def test_tokens_before_any_request() -> None:
    """The question came first, by the order of the capture."""
    security = ActivitySecurity()
    assert security.client_token(AP_REQ, 0, 1) == "AP-REQ"
    assert security.ticket is not None
