"""What the rules about a KDC's refusals share: which exchanges were refused, how each went on, and the way to it.

A KRB-ERROR is what the KDC itself says, in clear and without proof of who sent it; so rules about one begin sure, and
look at what the client did next: much of what a KDC refuses is asked again in another way and works.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from rpctrace.correlation.realms import is_granting, is_host_service, same_realm
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.observed import exchange_answer, exchange_items, host_text
from rpctrace.diagnosis.referrals import MUST_USE_USER2USER
from rpctrace.diagnosis.rule import required
from rpctrace.encoding.addresses import address_of, is_address
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import EvidenceItem, KerberosExchange

KDC_PORT = 88
S_PRINCIPAL_UNKNOWN, POLICY, ETYPE_NOSUPP, PREAUTH_FAILED = 7, 12, 14, 24  # RFC 4120 7.5.9
OTHER_WAY_NS = 30 * NS_PER_SECOND  # a client that has another way takes it at once; people take longer
PASSWORD_CHANGE_NS = 600 * NS_PER_SECOND  # somebody thinks of a new one
HOPS_SHOWN = 8
_TRANSPORTS = {"kdc_tcp": "TCP", "kdc_udp": "UDP"}


class WentOn(NamedTuple):
    """How a refused client got on after all: `again` with the same question, or with another that served as well."""

    again: bool
    exchange: KerberosExchange

    @property
    def item(self) -> EvidenceItem:
        later = self.exchange
        how = "later the same client got it" if self.again else f"the client went on with {_other_way(later)}"
        return required(how, later.capture, later.reply_frame)

    @property
    def text(self) -> str:
        if self.again:
            return "; later the same client got it"
        return f"; the client got on with {_other_way(self.exchange)}"

    @property
    def severity(self) -> str:
        return "low" if self.again else "note"


def refusals(evidence: Evidence, *codes: int) -> Iterator[Failure]:
    """Failures in which a KDC answered with one of these errors."""
    for failure in evidence.of(FailureKind.KDC):
        if failure.exchange.error in codes:
            yield failure


def last(evidence: Evidence, failure: Failure) -> KerberosExchange:
    """The last of the exchanges that failed alike: what came after it shows whether the client got on."""
    return max(failure.exchanges, key=evidence.asked_at)


def went_on(evidence: Evidence, failure: Failure) -> WentOn | None:
    """What made the refusal good, if anything did."""
    exchange = last(evidence, failure)
    later = evidence.later_answer(exchange)
    if later is not None:
        return WentOn(later.user_to_user == exchange.user_to_user, later)
    if exchange.error in (S_PRINCIPAL_UNKNOWN, MUST_USE_USER2USER) and exchange.kind == "TGS":
        for each in evidence.answers_after(exchange, OTHER_WAY_NS):
            if each.kind == "TGS" and serves_as_well(exchange, each):
                return WentOn(False, each)
    return None


def came_by_referral(evidence: Evidence, exchange: KerberosExchange) -> bool:
    """Whether another realm had sent the client to this exchange's KDC, in these captures or before."""
    path = evidence.path_of(exchange)
    if path is not None and len(path.exchanges) > 1:
        return True
    return exchange.kind == "TGS" and shows_foreign_ticket(exchange)


def shows_foreign_ticket(exchange: KerberosExchange) -> bool:
    """Whether the ticket that the request shows was issued by another realm than the one that is asked."""
    issuer, realm = exchange.presented.realm if exchange.presented is not None else None, exchange.realm
    if issuer is None or realm is None:
        return False
    # Windows names a realm by its NetBIOS name too, the first label as a rule, which is no other realm
    return not same_realm(issuer, realm) and not same_realm(issuer.partition(".")[0], realm)


def changed_password_after(evidence: Evidence, exchange: KerberosExchange) -> KerberosExchange | None:
    """The password change that the same client made after this exchange, and that worked (RFC 3244 2)."""
    for each in evidence.answers_after(exchange, PASSWORD_CHANGE_NS):
        if each.kind == "KPASSWD" and each.outcome == "answered":
            return each
    return None


def serves_as_well(refused: KerberosExchange, got: KerberosExchange) -> bool:
    """Whether a ticket is for what was refused under another name: user-to-user for the same account, another service
    class or spelling of the same host, or, of a realm that was asked for, a ticket which its KDC issued."""
    if is_granting(refused.sname):
        issued = got.ticket.realm if got.ticket is not None else None
        return issued is not None and [issued.casefold()] == [each.casefold() for each in refused.sname[1:]]
    if got.user_to_user and len(got.sname) == 1:
        return _account(refused.sname) == _account(got.sname)
    host = _host(refused.sname)
    return host is not None and host == _host(got.sname)


def _account(sname: tuple[str, ...]) -> str:
    """`novice` of `novice`, `novice@realm` and `class/novice`."""
    return sname[-1].split("@")[0].casefold() if sname else ""


def _host(sname: tuple[str, ...]) -> str | None:
    """The host's first label of `class/host.domain`; None of an account and of the ticket-granting service."""
    if not is_host_service(sname):
        return None
    host = sname[1].split(":")[0].casefold()
    return host if is_address(host) else host.split(".")[0]


def names_an_address(exchange: KerberosExchange) -> bool:
    """Whether the service asked for is of an IPv4 address instead of a name."""
    return len(exchange.sname) > 1 and isinstance(address_of(exchange.sname[1].split(":")[0]), IPv4Address)


def _other_way(exchange: KerberosExchange) -> str:
    kind = "a user-to-user ticket" if exchange.user_to_user else "a ticket"
    return f"{kind} for {sname_text(exchange)}"


def sname_text(exchange: KerberosExchange) -> str:
    return "/".join(exchange.sname) or "a service whose name was not captured"


def client_text(exchange: KerberosExchange) -> str:
    """`alice at 10.0.0.1`, as far as the exchange names who asks."""
    name = "/".join(exchange.cname)
    return f"{name} at {exchange.client.address}" if name else exchange.client.address


def kdc_text(exchange: KerberosExchange) -> str:
    realm = f" of {exchange.realm}" if exchange.realm else ""
    return f"the KDC{realm} at {host_text(exchange.server)}"


def refusal_text(exchange: KerberosExchange) -> str:
    """Who refused what to whom, with which error."""
    granting = exchange.kind == "AS" and is_for_granting(exchange)
    what = "a ticket-granting ticket" if granting else f"a ticket for {sname_text(exchange)}"
    return f"{kdc_text(exchange)} refused {client_text(exchange)} {what}: {exchange_answer(exchange)}"


def capital(text: str) -> str:
    """A sentence's beginning."""
    return text[:1].upper() + text[1:]


def speaks_of_transited(exchange: KerberosExchange) -> bool:
    """Whether the error's text is about the realms on the way."""
    return "transited" in (exchange.e_text or "").casefold()


def is_for_granting(exchange: KerberosExchange) -> bool:
    """Whether the service asked for is a ticket-granting one, of any realm."""
    return is_granting(exchange.sname)


def refusal_items(evidence: Evidence, failure: Failure) -> tuple[EvidenceItem, ...]:
    """Request and answer, the referral path that led there, and how the client got on."""
    exchange = failure.exchange
    settled = went_on(evidence, failure)
    return (
        *path_items(evidence, exchange),
        *exchange_items(exchange),
        *((settled.item,) if settled is not None else ()),
    )


def path_items(evidence: Evidence, exchange: KerberosExchange) -> tuple[EvidenceItem, ...]:
    """The exchanges of the referral path before this one: each KDC that had sent the client on."""
    path = evidence.path_of(exchange)
    if path is None:
        return ()
    hops = [each for each in map(evidence.exchanges.get, path.exchanges) if each is not None and each.id != exchange.id]
    return tuple(hop_item(each) for each in hops[-HOPS_SHOWN:])


def hop_item(hop: KerberosExchange) -> EvidenceItem:
    ticket = "/".join(hop.ticket.sname) if hop.ticket is not None else "an answer"
    return required(f"{kdc_text(hop)} sent the client on with {ticket}", hop.capture, hop.reply_frame)


def way_text(evidence: Evidence, exchange: KerberosExchange) -> str:
    """` after referrals over A, B`, or nothing."""
    path = evidence.path_of(exchange)
    if path is None or len(path.realms) < 2:
        return ""
    return f", at the end of the referral path {' -> '.join(path.realms)}"


def transport_text(exchange: KerberosExchange) -> str:
    return _TRANSPORTS.get(exchange.carried_in, exchange.carried_in)


def duration_text(duration_ns: int) -> str:
    """`20 min 3 s`, `1 h 0 min`, `0.8 s`."""
    seconds = abs(duration_ns) / NS_PER_SECOND
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"
