"""epm-not-registered: the endpoint mapper knows no endpoint for the interface that the client asked for.

What it means: the service that offers the interface does not run on that host, has not registered yet (it is starting),
or does not listen on TCP. The client's call ends with error 1753, EPT_S_NOT_REGISTERED.
How we know: the answer of ept_map carries the status 0x16C9A0D6 in clear text, with the interface that was asked for.
What would refute it: an answer with an endpoint for the same interface by the same host a moment later: the service was
starting.
How to tell it from its neighbours: epm-blocked is an endpoint mapper that does not answer; unk-if is a server that does
not offer the interface on a connection that was made. A client that asks for many interfaces is looking around.
How sure: the host says so (C706 appendix O, [MS-RPCE] 2.2.1.2); what stays open is whether the service should run.
The lab's captures of a client that asks for every interface show it, rightly.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from rpctrace.correlation.timeline import Position
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found, required
from rpctrace.report import Endpoint, EvidenceItem

NOT_REGISTERED = 0x16C9A0D6  # C706 appendix E: ept_s_not_registered
LOOKING_AROUND = 5  # interfaces that one host does not have, in one capture

WAS_THERE = Clue(0.5, "the same host had told an endpoint for the interface before: the service ended meanwhile")
CAME_LATER = Clue(0.2, "the same host told an endpoint for the interface later: the service was starting")

_Key = tuple[int, str, str]


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    failures = [each for each in evidence.of(FailureKind.ENDPOINT) if _is_missing(each.endpoint)]
    told = _told(evidence) if failures else {}
    missing = Counter((each.endpoint.capture, each.endpoint.teller) for each in failures)
    for failure in failures:
        endpoint = failure.endpoints[-1]
        before, later = _around(evidence, endpoint, told)
        call = evidence.calls.get(endpoint.call or "")
        asker = call.client.address if call is not None else "a client"
        around = missing[endpoint.capture, endpoint.teller] > LOOKING_AROUND
        yield Hypothesis(
            failure,
            f"The endpoint mapper of {endpoint.teller} told {asker} that {_name(endpoint)} is not registered"
            f"{'; later it was' if later else ''}"
            f"{', one of many interfaces that were asked for and are not there' if around else ''}",
            (_item(endpoint),),
            found(_clue(WAS_THERE, before, "told before"), _clue(CAME_LATER, later, "told later")),
            title=f"{_name(endpoint)} is not registered at the endpoint mapper",
            severity="note" if later else "low" if around else None,
        )


def _is_missing(endpoint: Endpoint) -> bool:
    """ept_lookup ends every list with the same status, where it means no more than that ([MS-RPCE] 2.2.1.2.4)."""
    return endpoint.source == "ept_map" and endpoint.status == NOT_REGISTERED


def _name(endpoint: Endpoint) -> str:
    return endpoint.interface_name or endpoint.interface_uuid or "an interface"


def _key(evidence: Evidence, endpoint: Endpoint) -> _Key:
    return evidence.line(endpoint.capture), evidence.host(endpoint.teller), endpoint.interface_uuid or ""


def _told(evidence: Evidence) -> Mapping[_Key, list[tuple[Position, Endpoint]]]:
    """Host and interface -> its answers with an endpoint, in order."""
    table: dict[_Key, list[tuple[Position, Endpoint]]] = defaultdict(list)
    for each in evidence.report.endpoints:
        if not each.status and each.interface_uuid:
            table[_key(evidence, each)].append((evidence.told_at(each), each))
    for answers in table.values():
        answers.sort(key=lambda told: told[0])
    return table


def _around(
    evidence: Evidence, endpoint: Endpoint, told: Mapping[_Key, list[tuple[Position, Endpoint]]]
) -> tuple[Endpoint | None, Endpoint | None]:
    """The first answer for the same interface, where it was before, and the last, where it was after."""
    answers = told.get(_key(evidence, endpoint), ())
    if not answers:
        return None, None
    at = evidence.told_at(endpoint)
    (first_at, first), (last_at, last) = answers[0], answers[-1]
    return first if first_at < at else None, last if last_at > at else None


def _item(endpoint: Endpoint) -> EvidenceItem:
    text = f"{endpoint.source} for {_name(endpoint)}: {endpoint.status_name or 'status'} {endpoint.status_hex or ''}"
    return required(text.rstrip(), endpoint.capture, endpoint.frame)


def _clue(clue: Clue, endpoint: Endpoint | None, when: str) -> EvidenceItem | None:
    if endpoint is None:
        return None
    return clue.seen(f"{when}: {endpoint.teller} port {endpoint.port}", endpoint.capture, endpoint.frame)


RULE = Rule(
    name="epm-not-registered",
    title="The interface is not registered at the endpoint mapper",
    documentation=__doc__,
    severity="medium",
    base=0.95,
    requires=("an answer of ept_map with status 0x16C9A0D6 (ept_s_not_registered)",),
    find=find,
    clues=(WAS_THERE, CAME_LATER),
    next_steps=(
        "See whether the service runs on that host: sc \\\\<host> query, and start it.",
        "List what is registered there: portqry -n <host> -e 135, or rpcping /t ncacn_ip_tcp /s <host> /f <interface>.",
        "If it runs, restart it: a service that could not register says so in the System log.",
    ),
    references=("C706 O", "[MS-RPCE] 2.2.1.2", "[MS-ERREF] 2.2"),
)
