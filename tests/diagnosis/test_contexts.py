"""When a security context was accepted, and when nobody can know yet."""

from __future__ import annotations

from dataclasses import replace

from incident_records import call, report
from judging import answered, bound, faulted, kerberos, logged_on, ntlm, ntlm_legs

from rpctrace.diagnosis import contexts
from rpctrace.diagnosis.evidence import Evidence

LAST = faulted(5, 9, auth=ntlm())


def test_proofs_of_acceptance() -> None:
    """AP-REP, an accepted last leg in an alter_context, an answered request; a CHALLENGE proves nothing."""
    ticket = Evidence(report(logged_on(), replace(LAST, auth=kerberos())))
    assert contexts.acceptance(ticket, ticket.calls["faulted"]) is not None
    legs = ntlm_legs()
    begun = Evidence(report(*legs, LAST))
    assert contexts.acceptance(begun, LAST) is None
    assert contexts.acceptance(Evidence(report(*legs, answered(5, auth=ntlm()), LAST)), LAST) is not None
    altered = call("alter", 2, kind="alter_context", outcome="accepted", auth=ntlm("AUTHENTICATE"))
    shown = contexts.acceptance(Evidence(report(legs[0], altered, LAST)), LAST)
    assert shown is not None
    assert contexts.shown(shown).frame == altered.reply_frames[-1]


def test_an_auth3_stays_open_until_a_request_is_answered() -> None:
    """Of the same context."""
    legs = ntlm_legs()
    opened = contexts.open_auth3(Evidence(report(*legs, LAST)), LAST)
    assert opened is not None
    assert opened.id == "auth3"
    assert contexts.open_auth3(Evidence(report(*legs, answered(5, auth=ntlm()), LAST)), LAST) is None
    other = answered(5, auth=ntlm(context_id=9))
    assert contexts.open_auth3(Evidence(report(*legs, other, LAST)), LAST) is not None


def test_what_changed_in_the_trailer() -> None:
    """Type before level; nothing where the first leg is not there."""
    first = logged_on()
    for said, text in (
        (kerberos(auth_type=16), "auth type 16 after 9"), (kerberos(level=6), "auth level 6 after 5"),
        (kerberos(), None),
    ):  # fmt: skip
        last = replace(LAST, auth=said)
        assert contexts.changed(Evidence(report(first, last)), last) == text
        assert contexts.changed(Evidence(report(last)), last) is None


def test_the_contexts_before_and_the_words_for_a_level() -> None:
    """Each context once, by its first leg."""
    calls = (logged_on(), bound(2, id="second", kind="alter_context", auth=ntlm("NEGOTIATE", context_id=1)))
    told = Evidence(report(*calls, LAST))
    assert [each.id for each in contexts.other_contexts(told, LAST)] == ["bind", "second"]
    assert contexts.level_text(bound()) == "no authentication"
    assert contexts.level_text(LAST).startswith("level 5")
    assert contexts.is_bare(replace(LAST, notes=("no security trailer and several security contexts",)))
    assert not contexts.is_bare(LAST)
