"""Legs of one connection -> its authentications: what each learned, how it ended, and whose answer is whose."""

from __future__ import annotations

import authentication_tokens
import pytest
from builders import kerberos, ntlm, spnego
from hypothesis import given
from hypothesis import strategies as st
from tokens import AP_REQ, SKEW, TOKENS

from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.gssapi.authentications import (
    MAXIMUM_OPEN_EXCHANGES,
    MAXIMUM_TOKENS,
    Authentications,
)
from rpctrace.protocols.gssapi.exchange import AuthenticationExchange, Leg

MORE, LOGON_FAILURE = 0xC0000016, 0xC000006D
INIT = TOKENS["SPNEGO AP-REQ"]
NEGOTIATE = TOKENS["NTLM in SPNEGO"]
CHALLENGE = spnego.neg_token_resp(1, spnego.NTLMSSP, ntlm.challenge("DOMAINB"))
AUTHENTICATE = spnego.neg_token_resp(response_token=ntlm.authenticate("DOMAINB", "novice", "WS1"))


class Wire:
    """Numbers frames, and keeps what was told."""

    def __init__(self, carried_in: str = "smb") -> None:
        self.carried_in = carried_in
        self.problems = Problems()
        self.state = Authentications(self.problems)
        self.told: list[AuthenticationExchange] = []
        self.frame = 0

    def _leg(
        self, direction: int, octets: bytes, session: int, status: int | None = None, outcome: bool | None = None,
        **more: str,
    ) -> None:  # fmt: skip
        self.frame += 1
        seen = Provenance((self.frame,), self.frame * 1000, 0)
        leg = Leg(self.carried_in, session, direction, memoryview(octets), status, outcome, None, seen)  # type: ignore[arg-type]
        self.told += self.state.feed(leg._replace(**more))  # type: ignore[arg-type]

    def request(self, octets: bytes, session: int = 0, **more: str) -> None:
        self._leg(0, octets, session, **more)

    def answer(self, octets: bytes, session: int, status: int, outcome: bool | None, **more: str) -> None:
        self._leg(1, octets, session, status, outcome, **more)

    def close(self) -> list[AuthenticationExchange]:
        self.told += self.state.close()
        return self.told


def test_a_ticket_taken_at_once() -> None:
    wire = Wire()
    wire.request(INIT, target="cifs")
    wire.answer(TOKENS["accept-completed"], 7, 0, True)
    (told,) = wire.told
    assert (told.carried_in, told.mechanism, told.outcome, told.status) == ("smb", "kerberos", True, 0)
    assert told.tokens == ("AP-REQ", "NegTokenResp")
    assert told.reply_token == "NegTokenResp"
    assert told.target == "cifs"
    assert told.ticket is not None
    assert (told.ticket.realm, told.ticket.sname) == ("DOMAINB.COM", ("host", "dc1.domainb.com"))
    assert (told.ticket.presented_in, told.ticket.frame) == ("session_setup", 1)
    assert told.request is not None
    assert told.reply is not None
    assert (told.request.frame, told.reply.frame) == (1, 2)
    assert wire.close() == [told]


@pytest.mark.parametrize(("carried_in", "presented_in"), [("ldap", "ldap_bind"), ("http", "http")])
def test_where_a_ticket_was_presented(carried_in: str, presented_in: str) -> None:
    wire = Wire(carried_in)
    wire.request(INIT)
    (told,) = wire.close()
    assert told.ticket is not None
    assert told.ticket.presented_in == presented_in
    assert told.outcome is None
    assert told.reply is None


def test_ntlm_learns_both_sides_and_who_refused() -> None:
    wire = Wire()
    wire.request(NEGOTIATE)
    wire.answer(CHALLENGE, 7, MORE, None)
    wire.request(AUTHENTICATE, 7)
    wire.answer(b"", 7, LOGON_FAILURE, False, note="data 52e")
    (told,) = wire.told
    assert told.tokens == ("NEGOTIATE", "CHALLENGE", "AUTHENTICATE")
    assert told.ntlm is not None
    assert (told.ntlm.domain, told.ntlm.user, told.ntlm.workstation) == ("DOMAINB", "novice", "WS1")
    assert told.ntlm.target == "DOMAINB"
    assert (told.mechanism, told.status, told.outcome, told.reply_token) == ("ntlm", LOGON_FAILURE, False, None)
    assert told.notes == ("data 52e",)
    assert told.request is not None
    assert told.request.frame == 1


@pytest.mark.parametrize(
    "token",
    [kerberos.gss_frame(kerberos.TOKEN_ERROR, SKEW), spnego.neg_token_resp(2, response_token=SKEW)],
    ids=["framed", "in SPNEGO"],
)
def test_the_error_that_an_answer_carries(token: bytes) -> None:
    wire = Wire()
    wire.request(AP_REQ)
    wire.answer(token, 0, LOGON_FAILURE, False)
    (told,) = wire.told
    assert told.kerberos_error is not None
    assert told.kerberos_error.error_code == 37
    assert told.reply_token == "KRB-ERROR"


def test_kerberos_that_falls_back_to_ntlm_is_one_exchange() -> None:
    """The server chooses NTLM for a client that offered its ticket first."""
    wire = Wire()
    wire.request(INIT)
    wire.answer(spnego.neg_token_resp(3, spnego.NTLMSSP), 7, MORE, None)
    wire.request(spnego.neg_token_resp(response_token=ntlm.negotiate()), 7)
    wire.answer(CHALLENGE, 7, MORE, None)
    wire.request(AUTHENTICATE, 7)
    wire.answer(TOKENS["accept-completed"], 7, 0, True)
    (told,) = wire.told
    assert told.ticket is not None
    assert told.tokens == ("AP-REQ", "NegTokenResp", "NEGOTIATE", "CHALLENGE", "AUTHENTICATE", "NegTokenResp")
    assert told.ntlm is not None
    assert told.ntlm.user == "novice"


@pytest.mark.parametrize("wrapped", [True, False])
def test_user_to_user_is_one_exchange(wrapped: bool) -> None:
    """Its AP-REQ comes second, and is the request."""
    names = ("tgt_req", "tgt_rep", "ap_req_user_to_user") if wrapped else (
        "tgt_req_framed", "tgt_rep_framed", "ap_req_user_to_user_plain"
    )  # fmt: skip
    asked, given_, presented = map(authentication_tokens.octets, names)
    wire = Wire()
    wire.request(asked)
    wire.answer(given_, 9, MORE, None)
    wire.request(presented, 9)
    wire.answer(b"", 9, 0, True)
    (told,) = wire.told
    assert told.tokens == ("TGT-REQ", "TGT-REP", "AP-REQ")
    assert told.request is not None
    assert told.request.frame == 3
    assert told.ticket is not None
    assert told.ticket.options is not None


def test_sessions_of_one_connection_do_not_mix() -> None:
    """Two session setups under way, both with session 0 until answered in order."""
    wire = Wire()
    wire.request(NEGOTIATE)
    wire.request(INIT)
    wire.answer(CHALLENGE, 11, MORE, None)
    wire.answer(TOKENS["accept-completed"], 12, 0, True)
    wire.request(AUTHENTICATE, 11)
    wire.answer(b"", 11, LOGON_FAILURE, False)
    first, second = wire.told
    assert (first.mechanism, first.outcome) == ("kerberos", True)
    assert (second.mechanism, second.outcome) == ("ntlm", False)


def test_the_next_one_in_a_session_ends_the_one_before() -> None:
    """The client begins again without an answer that decides; the one before has no outcome."""
    wire = Wire("http")
    wire.request(NEGOTIATE, 1)
    wire.answer(CHALLENGE, 1, 401, None)
    wire.request(INIT, 1)
    (told,) = wire.told
    assert (told.tokens, told.outcome) == (("NEGOTIATE", "CHALLENGE"), None)
    wire.answer(b"", 1, 200, True)
    assert wire.told[1].tokens == ("AP-REQ",)


def test_joined_late() -> None:
    """A second leg opens what is left of an exchange; so does an answer with a token, and nothing else."""
    wire = Wire()
    wire.answer(b"", 5, LOGON_FAILURE, False)
    wire.request(b"", 5)
    wire.answer(spnego.neg_token_init(hint="not_defined_in_RFC4178@please_ignore"), 0, 0, None)
    assert wire.close() == []
    wire.answer(TOKENS["GSS KRB-ERROR"], 5, LOGON_FAILURE, False)
    wire.request(AUTHENTICATE, 6)
    wire.answer(b"", 6, 0, True)
    refused, taken = wire.told
    assert (refused.request, refused.kerberos_error is not None, refused.outcome) == (None, True, False)
    assert (taken.tokens, taken.outcome) == (("AUTHENTICATE",), True)


def test_bounds_are_counted() -> None:
    wire = Wire()
    for session in range(1, MAXIMUM_OPEN_EXCHANGES + 2):
        wire.request(INIT, session)
    assert len(wire.told) == 1
    assert wire.state.limits == {"open_exchanges": 1}
    assert len(wire.close()) == MAXIMUM_OPEN_EXCHANGES + 1
    for _ in range(MAXIMUM_TOKENS + 3):
        wire.answer(TOKENS["accept-completed"], 1, MORE, None, note="only a refusal's words are kept")
    wire.request(INIT, 1)
    told = wire.told[-1]
    assert (len(told.tokens), told.notes) == (MAXIMUM_TOKENS, ())
    assert wire.state.limits["exchange_tokens"] == 3


def test_a_damaged_token_is_a_problem_and_a_cut_one_is_none() -> None:
    """Both tell what can be read of them."""
    cut, damaged = Wire(), Wire()
    cut.request(INIT[:200])
    damaged.request(INIT.replace(kerberos.principal("host", "dc1.domainb.com").encode()[:12], bytes(12)))
    assert [each.tokens for each in cut.close() + damaged.close()] == [("AP-REQ",)] * 2
    assert len(cut.problems) == 0
    assert [problem.frame_number for problem in damaged.problems] == [1]


_TOKENS = (b"", INIT, NEGOTIATE, CHALLENGE, AUTHENTICATE, AP_REQ, *TOKENS.values())
_LEGS = st.tuples(
    st.integers(0, 1), st.sampled_from(_TOKENS), st.integers(0, 2), st.sampled_from((None, True, False)),
    st.integers(0, 60),
)  # fmt: skip


@given(st.lists(_LEGS, max_size=40))
def test_each_client_token_is_told_once(legs: list[tuple[int, bytes, int, bool | None, int]]) -> None:
    """In whatever order legs come, and damaged: tokens in = tokens out, but for what a server offers unasked."""
    wire = Wire()
    sent = 0
    for direction, octets, session, outcome, cut in legs:
        octets = octets[: len(octets) - cut]
        if direction == 0:
            wire.request(octets, session)
            sent += bool(octets)
        else:
            wire.answer(octets, session, 0, outcome)
    told = wire.close()
    own = sum(len(each.tokens) for each in told)
    answered = sum(bool(octets[: len(octets) - cut]) for direction, octets, _, _, cut in legs if direction)
    assert sent <= own <= sent + answered
    assert all(each.request or each.reply for each in told)
