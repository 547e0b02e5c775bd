"""sec-pkg-unspecified: the server's security package refused (0x721), and the capture does not say why.

What it means: the server's RPC runtime handed the token or the signature of this PDU to its security package (Kerberos,
NTLM, Negotiate), and the package returned an error that RPC has no status of its own for ([MS-RPCE] 3.3.1.5.2.1).
How we know: the status of the fault, and the PDU that it answers.
What it does not prove: neither Kerberos nor PAC validation. A wrong service key, clock skew, a damaged token, a message
whose signature does not verify and a session security mismatch of NTLM give the same status.
What would refute it: a KRB-ERROR in the answer, or an extended error record; those name the cause themselves.
What to do: capture on the server, read the server's security and system event logs at this time, and the netlogon.log
of its domain controller.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpctrace.diagnosis.rule import Rule, alike, answer_text, finding, ticket_text
from rpctrace.report import Call, EvidenceItem, Finding

NAME = "sec-pkg-unspecified"
STATUS = 0x721  # RPC_S_SEC_PKG_ERROR, [MS-ERREF] 2.2


def applies(call: Call) -> bool:
    return call.outcome == "faulted" and call.status == STATUS


def find(calls: Sequence[Call]) -> Iterator[Finding]:
    for group in alike(calls):
        call = group[0]
        ticket = f" after the ticket for {ticket_text(call)}" if call.ticket else ""
        yield finding(
            NAME,
            group,
            "The server's security package refused the call; the capture alone does not say why",
            f"{call.server.address} answered the {call.kind} of {call.client.address} with {answer_text(call)}{ticket}",
            against=_against(call),
            missing=(
                "a capture taken on the server, with its traffic to the domain controller",
                "the netlogon.log of the server's domain controller for this time",
            ),
            next_steps=(
                "Read the server's System and Security event logs at the time of the fault.",
                "Compare the ticket's service name with the account the server process runs as.",
                "Compare the clocks of client, server and domain controller.",
            ),
            references=("[MS-RPCE] 3.3.1.5.2.1", "[MS-ERREF] 2.2 (0x00000721)"),
        )


def _against(call: Call) -> Iterator[EvidenceItem]:
    if call.kind == "request":
        text = "the fault answers a request: its signature or a late refusal of auth3 may be the cause, not a ticket"
        yield EvidenceItem(False, text, call.capture, call.reply_frames[-1] if call.reply_frames else None, None, 0.5)
    if call.auth is not None and call.auth.mechanism == "ntlm":
        text = "the security context is NTLM: no Kerberos ticket was presented in it"
        yield EvidenceItem(False, text, call.capture, call.reply_frames[-1] if call.reply_frames else None, None, 1.0)


RULE = Rule(NAME, __doc__, applies, find)
