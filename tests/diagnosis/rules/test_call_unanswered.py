"""Connections that end while a call is open."""

from __future__ import annotations

from dataclasses import replace

from incident_records import SERVER, event, stream
from judging import answered, bound, cause, faulted, findings, has, interface, judged, only

from rpctrace.diagnosis.rules import call_unanswered as rule
from rpctrace.report import Host

RULE = rule.RULE
OPEN = {"outcome": "unanswered", "reply": None, "reply_frames": (), "reply_ns": None, "interfaces": (interface(),)}
RESET = "reset by the server in frame 300"


def test_it_fires_on_a_reset_and_not_where_the_capture_ends() -> None:
    """Two calls lost at once: one process."""
    finding = cause("call-unanswered")[RULE.name]
    assert finding.severity == "medium"
    assert "the server reset the connection" in finding.summary
    assert RULE.name not in cause("call-unanswered-not")


def test_after_a_refusal_it_is_a_consequence() -> None:
    """The server closed for that: low, behind the refusal, and with it to begin with."""
    told = findings("lab/alter-wrongkey-krb5.pcap")
    finding = told[RULE.name]
    assert (finding.severity, finding.confidence) == ("low", rule.CONSEQUENCE.value)
    assert {each for each in told if told[each].severity != "note"} == {"sec-pkg-unspecified", RULE.name}
    assert finding.next_steps == ("Begin with the refusal in frame 167: this call was lost by it.",)
    assert "after the server had answered the alter_context of IClassFactory" in finding.summary
    assert told["sec-pkg-unspecified"].frames[-1] in [item.frame for item in finding.evidence]
    calls = (bound(), faulted(0x1C01000B), answered(3, **OPEN))
    weighed = only(RULE, *calls, stream("tcp-0-0", 1, ended=RESET))
    assert (weighed.hypothesis.severity, weighed.confidence) == ("low", 0.5)


def test_after_a_refusal_the_client_or_a_gap_may_be_why() -> None:
    """Low and with the refusal beside it; but by its title and steps the cause is open."""
    finding = findings("lab/test_mix_requests.pcap")[RULE.name]
    assert (finding.severity, finding.title) == ("low", "The client ended the connection while a call was open")
    assert finding.next_steps == RULE.next_steps
    assert not any("whether its process" in text for text in finding.missing)
    calls = (bound(), faulted(0x1C01000B), answered(3, **OPEN))
    for changes in ({"missing_octets": 1460, "gaps": 1}, {"ended": "closed by the client in frame 300"}):
        said = only(RULE, *calls, stream("tcp-0-0", 1, **{"ended": RESET, **changes})).hypothesis
        assert (said.severity, said.next_steps) == ("low", None)
        assert said.title != rule.FOLLOWS
        assert "after the server had answered" in said.summary


def test_after_another_fault_it_is_no_consequence() -> None:
    """An operation number out of range: the server goes on after it."""
    calls = (bound(), faulted(0x1C010002), answered(3, **OPEN))
    weighed = only(RULE, *calls, stream("tcp-0-0", 1, ended=RESET))
    assert (weighed.hypothesis.severity, weighed.confidence) == (None, 0.84)


def test_the_client_may_have_left() -> None:
    """Less sure, and low."""
    closed = stream("tcp-0-0", 1, ended="closed by the client in frame 300")
    weighed = only(RULE, bound(), answered(2, **OPEN), closed)
    assert has(weighed, rule.CLIENT_LEFT)
    assert weighed.hypothesis.severity == "low"
    assert weighed.confidence == 0.52


def test_clues_of_a_process_that_died() -> None:
    """Another connection at the same time; the port refuses afterwards; a reset."""
    server = Host(SERVER, 49154, None)
    calls = (answered(2, **OPEN), answered(2.1, "other", connection="tcp-0-1", **OPEN))
    streams = (stream("tcp-0-0", 1, ended=RESET), stream("tcp-0-1", 1, ended=RESET))
    (weighed,) = judged(RULE, *calls, *streams, event(9, kind="refused", server=server))
    for clue in (rule.OTHERS_TOO, rule.GONE, rule.RESET):
        assert has(weighed, clue)
    assert weighed.confidence > 0.9


def test_another_connection_is_one_that_ended_within_a_moment() -> None:
    """Not a second call of the same one, nor one that ended later, nor one of a server of another time."""
    mine, again = answered(2, **OPEN), answered(2.1, "again", **OPEN)
    other = answered(2.1, "other", connection="tcp-0-1", **OPEN)
    ends = stream("tcp-0-0", 1, ended=RESET)
    for calls, end in (
        ((mine, again), ends),
        ((mine, other), stream("tcp-0-1", 9, ended=RESET)),
        ((mine, replace(other, capture=1)), stream("tcp-0-1", 1, capture=1, ended=RESET)),
    ):
        streams = (ends,) if end is ends else (ends, end)
        assert not any(has(each, rule.OTHERS_TOO) for each in judged(RULE, *calls, *streams, captures=2))


def test_many_lost_calls_are_found_by_their_end() -> None:
    """Two thousand connections that ended one by one, ten seconds apart, before two that ended together."""
    seconds = {f"call-{at}": at * 10.0 for at in range(2000)} | {"late-0": 30_000, "late-1": 30_000.1}
    lost = [
        answered(second, name, connection=name, **{**OPEN, "interfaces": (interface(name),)})
        for name, second in seconds.items()
    ]
    streams = [stream(name, second, ended=RESET) for name, second in seconds.items()]
    found = [each for each in judged(RULE, *lost, *streams) if has(each, rule.OTHERS_TOO)]
    assert {each.hypothesis.about.call.id for each in found} == {"late-0", "late-1"}


def test_lost_octets_and_abandoned_calls() -> None:
    """The answer may be in a gap; who abandons a call waits for none."""
    torn = stream("tcp-0-0", 1, ended=RESET, missing_octets=1460, gaps=1)
    assert has(only(RULE, answered(2, **OPEN), torn), rule.GAPS)
    left = answered(2, **OPEN, notes=("abandoned by the client in frame 10",))
    assert not judged(RULE, left, stream("tcp-0-0", 1, ended=RESET))
    assert not judged(RULE, answered(2, **OPEN), stream("tcp-0-0", 1))
