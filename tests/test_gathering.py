"""What is kept beside calls is bounded, and sessions of SMB name their authentications."""

from __future__ import annotations

from functools import partial

import pytest
from calls_of_the_article import FACTS, observed

from rpctrace import gathering
from rpctrace.assembly import kdc
from rpctrace.assembly.calls import Assembler
from rpctrace.conversations.observations import ObservedAuthentication, ObservedCall, ObservedNotice, ObservedSession
from rpctrace.gathering import Gathered
from rpctrace.network.flow import Endpoint
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.gssapi.exchange import AuthenticationExchange, NtlmNames
from rpctrace.protocols.interfaces.epm import EndpointAnswer
from rpctrace.protocols.smb.notice import SessionFacts, SmbNotice, SmbNoticeKind
from rpctrace.stream.stream import Connection

CONNECTION = Connection(3, Endpoint("10.0.0.1", 50001), Endpoint("10.0.0.2", 445), False)
SEEN = Provenance((7,), 7, 0)


def authentication(session: int) -> ObservedAuthentication:
    said = AuthenticationExchange(
        "smb", "ntlm", (), None, None, None, None, 0, True, None, SEEN, SEEN, (), session
    )  # fmt: skip
    return ObservedAuthentication(CONNECTION, said)


def test_what_became_known_of_a_session_is_said_of_its_authentication() -> None:
    """Target and names in clear, of this session of this connection alone."""
    gathered = Gathered(partial(kdc.exchange, Assembler(0, {})))
    gathered.take(authentication(5))
    gathered.take(authentication(6))
    gathered.take(ObservedSession(CONNECTION, SessionFacts(5, "\\\\DC1", None, SEEN)))
    gathered.take(ObservedSession(CONNECTION, SessionFacts(5, None, NtlmNames("DOMAINB", "novice"), SEEN)))
    first, second = (each.authentication for each in gathered.authentications())
    assert first.ntlm is not None
    assert (first.target, first.ntlm.user) == ("\\\\DC1", "novice")
    assert (second.target, second.ntlm) == (None, None)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond is counted."""
    monkeypatch.setitem(gathering._BOUNDS, ObservedNotice, ("events_kept", 1))
    gathered = Gathered(partial(kdc.exchange, Assembler(0, {})))
    for _ in range(3):
        gathered.take(ObservedNotice(CONNECTION, SmbNotice(SmbNoticeKind.ENCRYPTED, None, None, SEEN)))
    assert (len(gathered.notices), gathered.left_out) == (1, {"events_kept": 2})


def test_calls_that_tell_no_endpoint_are_not_gathered() -> None:
    """They are the tally's."""
    gathered = Gathered(partial(kdc.exchange, Assembler(0, {})))
    gathered.tell(ObservedCall(FACTS, observed()[0].call))
    telling = ObservedCall(FACTS, observed()[0].call, said=EndpointAnswer("ept_map", problem=None))
    gathered.tell(telling)
    assert gathered.tellers == [telling]
