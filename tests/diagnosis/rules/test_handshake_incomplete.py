"""An authentication that was begun and not finished, and captures that only end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import refusal_records as records
from refusal_records import HOST_TICKET, found, saw, sure
from shared_captures import needs_shared

from rpctrace.analysis import analyze
from rpctrace.diagnosis.rules import handshake_incomplete as rule
from rpctrace.report import Call

CONNECTION = "tcp-0-0"
ACCEPTED = records.accepted("call-1", 1, HOST_TICKET, connection=CONNECTION)
ENDED = records.stream(CONNECTION, ended="closed by the client in frame 9", calls=1)


def silent(**changes: Any) -> Call:
    """A bind with a token that nothing answers."""
    said = {"outcome": "unanswered", "reply": None, "reply_frames": (), "reply_ns": None}
    return records.leg("call-1", 1, "AP-REQ", **{**said, "ticket": HOST_TICKET, **changes})


def test_the_samples_of_it() -> None:
    """Closed after the AP-REP; the same with the capture's end there is none."""
    (finding,) = records.findings("causes", "handshake-incomplete.pcap")
    assert (finding.rule, finding.severity) == ("handshake-incomplete", "medium")
    assert "never sent the third leg" in finding.summary
    assert records.findings("causes", "handshake-incomplete-not.pcap") == ()


def test_a_token_without_an_answer() -> None:
    """The client sends TGT-REQ and closes."""
    finding, *_ = records.findings("u2u", "u2u-bind-only-fin.pcap")
    assert (finding.rule, finding.confidence) == ("handshake-incomplete", 0.59)
    assert "did not answer" in finding.summary


@needs_shared
def test_what_works_gives_none() -> None:
    """Nor what other people recorded."""
    for path in records.all_captures("lab/a-clean", "lab/c-torture", "public", "netmon"):
        assert "handshake-incomplete" not in records.rules(analyze(path).findings), path.name


def test_the_third_leg_is_missed_only_where_all_was_read() -> None:
    """An end, no gap, no call left out; a third leg or a request in the context is enough."""
    assert found(rule.RULE, records.report(ACCEPTED, ENDED))
    streams = (
        replace(ENDED, ended=None),
        replace(ENDED, gaps=1, missing_octets=9),
        replace(ENDED, calls=2),
    )
    for stream in streams:
        assert not found(rule.RULE, records.report(ACCEPTED, stream)), stream
    assert not found(rule.RULE, records.report(ACCEPTED))
    two = replace(ENDED, calls=2)
    for token, kind in (("AP-REP", "alter_context"), (None, "request"), ("AP-REP", "auth3")):
        further = records.leg("call-2", 2, token, kind=kind, connection=CONNECTION)
        assert not found(rule.RULE, records.report(ACCEPTED, further, two)), kind


def test_silence_is_no_proof_without_a_token() -> None:
    """An unanswered bind without security, a request, and what was not captured."""
    assert found(rule.RULE, records.report(silent()))
    for changes in ({"auth": None}, {"kind": "request"}, {"outcome": "not captured"}):
        assert not found(rule.RULE, records.report(silent(**changes))), changes


def test_who_left_and_who_waited() -> None:
    """The end of the connection, half a minute, a logon request that was open."""
    plain = sure(rule.RULE, records.report(silent()))
    long = replace(ENDED, ended="reset by the server in frame 9", last_ns=40 * 10**9)
    (weighed,) = found(rule.RULE, records.report(silent(), long, records.logon("call-4", 1.5)))
    assert records.clues_of(weighed) == [(True, c.weight) for c in (rule.SERVER_LEFT, rule.LONG, rule.SERVER_WAITS)]
    assert weighed.confidence > plain
    (left,) = found(rule.RULE, records.report(silent(), ENDED))
    assert saw(left, rule.CLIENT_LEFT)


def test_a_second_try_makes_it_low() -> None:
    """And less likely a fault of anybody."""
    again = records.accepted("call-9", 9, replace(HOST_TICKET, fingerprint="h9"))
    (weighed,) = found(rule.RULE, records.report(silent(), again))
    assert saw(weighed, rule.TRIED_AGAIN)
    assert weighed.hypothesis.severity == "low"


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
