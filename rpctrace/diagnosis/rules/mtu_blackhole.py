"""mtu-blackhole: large packets are lost on the way while small ones arrive.

What it means: a link on the way takes only smaller packets, and the message that would tell the sender so is dropped (a
VPN, a tunnel, a firewall that filters ICMP). A connection is made, small packets pass, and the first large one is sent
again and again: in authentication that is the token, the first that fills a packet. The call stays without an answer.
How we know: the same octets, as many as a packet holds, were sent three times or more and never acknowledged, while the
capture shows that the other side's smaller packets and acknowledgements arrived.
What would refute it: an acknowledgement of these octets.
How to tell it from its neighbours: connection-reset and idle-drop end with a reset or after a silence. A host that went
down in that moment looks the same: then its small packets stay away too.
How sure: judgement. Large octets in vain on a connection that worked are this more often than not; several connections
of the same two hosts in the same state make it likely. No capture of the lab shows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator

from rpctrace.diagnosis import broken, network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import call_text
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found

LARGE_OCTETS = 1_200  # what fits a packet of 1 280 octets, the least of IPv6 and of many tunnels, arrives everywhere
MAXIMUM_SEGMENT_OCTETS = 1_360  # near the 1 460 of Ethernet; offload may show more

FULL_PACKETS = Clue(0.4, "the packets are as large as Ethernet's, or larger by offload")
TOKEN_LOST = Clue(0.3, "what was lost is a token: a bind, alter_context, auth3 or Kerberos message")
OTHERS_TOO = Clue(0.5, "other connections between the two hosts hang in the same way")
HOST_GONE = Clue(0.5, "later attempts of the client to reach the host failed: it may have gone down", against=True)
ONE_SIDE = Ceiling(
    0.8,
    "the packets were seen at one place only",
    "a capture on the other side: there the large packets are missing",
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    lost = [each for each in network.attempts(evidence, network.RETRANSMITTED) if _octets(each.event.octets)]
    hangs: Counter[Hashable] = Counter()
    for each in lost:
        hangs[evidence.hosts_of(each.event)] += each.count
    gone = {
        evidence.hosts_of(each.event): each.event
        for each in network.attempts(evidence, network.NO_ANSWER)
    } if lost else {}  # fmt: skip
    connections = broken.Connections(evidence) if lost else None
    for failure in lost:
        if connections is None:
            return
        subject, first = connections.about(failure)
        if not first:
            continue
        event, octets = failure.event, _octets(failure.event.octets)
        pair = evidence.hosts_of(event)
        waiting, lost_call = connections.waiting(failure), connections.open_call(event)
        frame = max(event.frames, default=None)
        later = gone.get(pair)
        yield Hypothesis(
            subject,
            f"{broken.sender_text(event)} sent {octets} octets {event.count} times on a connection that had worked, and"
            " got no acknowledgement for them",
            (*broken.call_required(waiting), *network.event_items(failure)),
            found(
                FULL_PACKETS.seen(f"{octets} octets", event.capture, frame)
                if octets >= MAXIMUM_SEGMENT_OCTETS else None,
                TOKEN_LOST.seen(f"it was the {call_text(lost_call)}", event.capture, frame)
                if lost_call is not None and broken.carries_token(lost_call) else None,
                OTHERS_TOO.seen(f"{hangs[pair]} connections", event.capture, frame) if hangs[pair] > 1 else None,
                HOST_GONE.seen(later.text, later.capture, min(later.frames, default=None)) if later else None,
            ),
            (ONE_SIDE,),
        )


def _octets(octets: int | None) -> int:
    """The size of what was lost, 0 where it was no large packet."""
    return octets if octets is not None and octets >= LARGE_OCTETS else 0


RULE = Rule(
    name="mtu-blackhole",
    title="Large packets are lost on the way while small ones arrive",
    documentation=__doc__,
    severity="high",
    base=0.5,
    requires=("the same octets, 1 200 or more, sent three times or more on an open connection, never acknowledged",),
    find=find,
    clues=(FULL_PACKETS, TOKEN_LOST, OTHERS_TOO, HOST_GONE),
    ceilings=(ONE_SIDE,),
    next_steps=(
        "Find the size that passes: ping -f -l 1472 <host>, then smaller.",
        "Let the routers on the way send ICMP 'fragmentation needed' (IPv6: 'packet too big'), or set the MSS at the "
        "tunnel (MSS clamping).",
        "For the moment: netsh interface ipv4 set subinterface <name> mtu=1400 on one of the two.",
        "Large tokens come from many groups: whoami /groups, and KB327825.",
    ),
    references=("RFC 1191 3", "RFC 4821 1", "RFC 2923 2.1"),
)
