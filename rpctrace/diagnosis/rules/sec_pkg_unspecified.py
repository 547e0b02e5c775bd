"""sec-pkg-unspecified: the server's security package refused (0x721), and nothing at hand says why.

What it means: the server's RPC runtime handed the token or the signature of this PDU to its security package (Kerberos,
NTLM, Negotiate), and the package returned an error that RPC has no status of its own for ([MS-RPCE] 3.3.1.5.2.1).
How we know: the status of the fault, and the PDU that it answers.
What it does not prove: neither Kerberos nor PAC validation. A wrong service key, clock skew, a damaged token, a message
whose signature does not verify and a session security mismatch of NTLM give the same status.
What would refute it: a KRB-ERROR in the answer, an extended error record, or the line of netlogon.log about this call;
these name the cause themselves, and the rule of that cause takes the place of this one.
How sure: that the package refused is certain ([MS-ERREF] 2.2); why is open, so it claims half.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_text, call_items, call_text, ticket_text
from rpctrace.diagnosis.rule import Hypothesis, Rule
from rpctrace.diagnosis.tokens import SEC_PKG_ERROR
from rpctrace.report import Call, EvidenceItem


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.outcome != "faulted" or call.status != SEC_PKG_ERROR:
            continue
        after = f" after the ticket for {ticket_text(call.ticket)}" if call.ticket else ""
        yield Hypothesis(
            failure,
            f"{call.server.address} answered the {call_text(call)} of {call.client.address}"
            f" with {answer_text(call)}{after}",
            (*call_items(failure), EvidenceItem(True, _reading(call), call.capture, None, None, 0.0)),
            missing=(
                "a capture taken on the server, with its traffic to the domain controller",
                "the netlogon.log of the server's domain controller for this time (--netlogon)",
                "extended error records of RPC, which name the security package's own error (off by default)",
            ),
        )


def _reading(call: Call) -> str:
    """What the status leaves open, by the PDU that it answers and the package that was asked."""
    if call.auth is not None and call.auth.mechanism == "ntlm":
        return "the security context is NTLM: no Kerberos ticket was presented in it"
    if call.kind == "request":
        return "it answers a request: a signature that does not verify, or a logon in auth3 that had failed"
    return "it answers a token: the server's AcceptSecurityContext failed, for whatever reason"


RULE = Rule(
    name="sec-pkg-unspecified",
    title="The server's security package refused the call; the evidence does not say why",
    documentation=__doc__,
    severity="low",
    base=0.5,  # that the package refused is certain; half of the question stays open
    requires=("a fault with status 0x721 (RPC_S_SEC_PKG_ERROR)",),
    find=find,
    next_steps=(
        "Read the server's System and Security event logs at the time of the fault (source Security-Kerberos).",
        "Compare the ticket's service name with the account that the server process runs as: setspn -Q <name>.",
        "Compare the clocks of client, server and domain controller: w32tm /stripchart /computer:<host>.",
        "Capture on the server while it happens, and turn on netlogon.log on its domain controller: "
        "nltest /dbflag:0x2080ffff.",
    ),
    references=("[MS-RPCE] 3.3.1.5.2.1", "[MS-ERREF] 2.2 (0x00000721)"),
    last_resort=True,
)
