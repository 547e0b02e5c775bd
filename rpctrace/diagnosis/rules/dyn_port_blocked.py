"""dyn-port-blocked: the port that the endpoint mapper told cannot be reached: a firewall lets port 135 pass alone.

What it means: RPC services listen on ports that are dealt out at start (49152 to 65535, before Windows Vista 1025 to
5000). The client learnt the port on 135 and got no answer there: after some 20 seconds its call ends with error 1722,
RPC_S_SERVER_UNAVAILABLE.
How we know: the answer of the endpoint mapper, of an activation or of the OXID resolver names the port in clear text;
SYNs to it stayed without an answer, where the capture shows that answers to this client were captured.
What would refute it: a connection to that port by the same client, or a reset from it.
How to tell it from its neighbours: dyn-port-closed is a reset instead of silence; oxid-address is silence at another
address than the one that told the port, which may not be reachable at all.
How sure: a host that answers on 135 and is silent on a port that it had just named is filtered, or had ended the
service in that moment and drops what it does not know, as the Windows Firewall does. The public capture of psexec shows
it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rpctrace.diagnosis import network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found

AGAIN = Clue(0.5, "the client tried several times")
OTHERS_TOO = Clue(0.4, "other told ports of the same host are silent too")
WORKS_OTHERWISE = Clue(0.8, "the same client had a connection to that port", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    made = evidence.once(network.connected_to)
    silent = [
        (failure, endpoint)
        for failure in network.attempts(evidence, network.NO_ANSWER)
        if (endpoint := evidence.endpoints.get(failure.event.endpoint or "")) is not None
        and not network.is_elsewhere(failure.event, endpoint, evidence)
    ]
    ports = Counter(evidence.hosts_of(failure.event) for failure, _ in silent)
    for failure, endpoint in silent:
        event, count = failure.event, network.tries(failure)
        client, server, hosts = event.client.address, event.server.address, evidence.hosts_of(event)
        other = made.get((*hosts, event.server.port))
        last = max(event.frames, default=None)
        yield Hypothesis(
            failure,
            f"{host_text(event.server)} had told port {event.server.port} and did not answer {client} there"
            f"{'; another connection to it was made' if other else ''}",
            (network.told_item(endpoint), *network.event_items(failure)),
            found(
                AGAIN.seen(f"tried {count} times", event.capture, last) if count >= network.TRIES else None,
                OTHERS_TOO.seen(f"{ports[hosts]} told ports of {server} are silent", event.capture, last)
                if ports[hosts] > 1 else None,
                WORKS_OTHERWISE.seen(f"connection {other.id}", other.capture, other.first_frame) if other else None,
                network.ends_soon(evidence, event) if count < network.TRIES else None,
            ),
            severity="low" if other else None,
        )  # fmt: skip


RULE = Rule(
    name="dyn-port-blocked",
    title="A firewall drops the dynamic RPC port that the endpoint mapper told",
    documentation=__doc__,
    severity="high",
    base=0.75,
    requires=(
        "an answer of endpoint mapper, activation or OXID resolver that tells a port of the host that answers",
        "attempts to connect to that port without an answer",
    ),
    find=find,
    clues=(AGAIN, OTHERS_TOO, WORKS_OTHERWISE, network.ENDS_SOON),
    next_steps=(
        "Try the port: Test-NetConnection <host> -Port <port>.",
        "Open the dynamic range in the firewalls on the way: netsh int ipv4 show dynamicport tcp on the host tells it "
        "(49152 to 65535 by default).",
        "Or fix the ports: for Active Directory the REG_DWORD values 'TCP/IP Port' (NTDS) and DCTcpipPort (Netlogon); "
        "in general HKLM\\SOFTWARE\\Microsoft\\Rpc\\Internet.",
    ),
    references=("[MS-RPCE] 2.1.1.1", "[MS-ERREF] 2.2", "KB224196"),
)
