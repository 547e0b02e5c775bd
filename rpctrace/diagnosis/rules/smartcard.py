"""smartcard: a logon with a certificate (smart card, PKINIT, Windows Hello) was refused.

What it means: the KDC does not trust the client's certificate, cannot check it, cannot map it to an account, or has no
certificate of its own to answer with. Since KB5014754 a certificate must map to its account strongly.
How we know: the KDC's error is one of those that RFC 4556 keeps for certificates, or it refuses the kind of
pre-authentication of a request that carried a certificate; the NTSTATUS in the error says more where the KDC sends one.
What would refute it: a ticket for the same user with the same certificate. The certificate itself is in clear text in
the request; this rule does not read it.
How to tell it from its neighbours: bad-password is a refusal of a password.
How sure: the KDC says so (RFC 4556 3.1.3); which check failed, error and NTSTATUS say only in part. No capture of the
lab shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import KerberosExchange

PADATA_TYPE_NOSUPP = 16  # RFC 4120 7.5.9
CERTIFICATE_ERRORS = (*range(62, 67), *range(70, 82))  # RFC 4556 3.1.3
PUBLIC_KEY_REQUESTS = frozenset((14, 15, 16))  # PA-PK-AS-REQ and its older form, RFC 4556 3.1.2 and [MS-KILE] 3.1.5.1
CERTIFICATE_STATUSES = frozenset((*range(0xC0000380, 0xC0000390), *range(0xC000040C, 0xC0000410), 0xC0000320))

# What each error is about, RFC 4556 3.1.3 and 3.2.3
_ABOUT = {
    16: "the KDC takes no certificates: it has none of its own for this",
    62: "the client's certificate is not trusted: its issuer is not in the NTAuth store",
    63: "the KDC's certificate is not trusted by the client",
    64: "the signature of the request is not valid",
    65: "the key or its parameters are too weak for the KDC",
    66: "the certificate does not map to the user",
    70: "the KDC cannot build the chain of the certificate",
    71: "a certificate of the chain is not valid: it has expired, or its signature is wrong",
    72: "a certificate of the chain is revoked",
    73: "whether a certificate is revoked is not known",
    74: "the list of revoked certificates cannot be reached",
    75: "the name in the certificate is not the user's",
    76: "the name in the KDC's certificate is not the KDC's",
    77: "the certificate is not meant for logging on",
}

STATUS_TOO = Clue(0.5, "the NTSTATUS in the error is about certificates too")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in kdc.refusals(evidence, PADATA_TYPE_NOSUPP, kdc.PREAUTH_FAILED, *CERTIFICATE_ERRORS):
        exchange = failure.exchange
        if exchange.error not in CERTIFICATE_ERRORS and not shows_certificate(exchange):
            continue
        settled = kdc.went_on(evidence, failure)
        about = _ABOUT.get(exchange.error or 0)
        status = f"{exchange.ntstatus_name or 'NTSTATUS'} {exchange.ntstatus_hex or ''}".rstrip()
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.refusal_text(exchange))}{f': {about}' if about else ''}"
            f"{settled.text if settled else ''}",
            kdc.refusal_items(evidence, failure),
            found(
                STATUS_TOO.seen(status, exchange.capture, exchange.reply_frame)
                if exchange.ntstatus in CERTIFICATE_STATUSES else None,
            ),
            missing=("which check failed: the CAPI2 operational log of the domain controller",),
            severity=settled.severity if settled else None,
        )  # fmt: skip


def shows_certificate(exchange: KerberosExchange) -> bool:
    """Whether an AS request carried a certificate instead of a proof of the password."""
    return exchange.kind == "AS" and any(each.type in PUBLIC_KEY_REQUESTS for each in exchange.request_pa_data)


RULE = Rule(
    name="smartcard",
    title="The logon with a certificate was refused",
    documentation=__doc__,
    severity="medium",
    base=0.9,
    requires=(
        "one of the errors for certificates (62 to 66, 70 to 81) from a KDC, or KDC_ERR_PADATA_TYPE_NOSUPP (16) or "
        "KDC_ERR_PREAUTH_FAILED (24) to a request that carried a certificate",
    ),
    find=find,
    clues=(STATUS_TOO,),
    next_steps=(
        "Check the client's certificate on the domain controller: certutil -verify -urlfetch <file>.",
        "See that its issuer is trusted for logons: certutil -viewstore -enterprise NTAuth.",
        "See that the domain controller has a certificate of its own: certutil -dcinfo verify.",
        "For the mapping to the account (KB5014754) look for events 39, 40 and 41 of the domain controller's Kerberos "
        "service.",
    ),
    references=("RFC 4556 3.1.3", "[MS-PKCA] 3.1.5", "KB5014754"),
)
