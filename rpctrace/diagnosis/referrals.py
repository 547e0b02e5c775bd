"""How realms stand to each other, and what KDCs ask of clients, as the exchanges with them show it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from rpctrace.correlation.realms import is_granting
from rpctrace.diagnosis.ticket_uses import folded_names
from rpctrace.report import KerberosExchange, ReferralPath, Report, TicketName

MUST_USE_USER2USER = 27  # RFC 4120 7.5.9
USER2USER_REQUIRED = 0xC0000408  # [MS-ERREF] 2.3.1; as a KDC says it in the extended error of KDC_ERR 7
_Pair = tuple[str, str]


class Referrals:
    """Tables of a report's referrals, by realms in small letters."""

    def __init__(self, report: Report) -> None:
        self._direct: dict[_Pair, KerberosExchange] = {}
        self._ways: dict[_Pair, ReferralPath] = {}
        self._demands: dict[Hashable, KerberosExchange] = {}
        self._realms: dict[str, KerberosExchange] = {}
        for each in report.kerberos:
            ticket = each.ticket
            if ticket is not None and ticket.realm is not None and _leads_to_a_kdc(ticket):
                for realm in (ticket.realm, ticket.sname[1]):
                    self._realms.setdefault(realm.rstrip(".").casefold(), each)
                self._direct.setdefault(_pair(ticket.realm, ticket.sname[1]), each)
            if each.error == MUST_USE_USER2USER or each.ntstatus == USER2USER_REQUIRED:
                self._demands.setdefault(folded_names(each.sname), each)
        for path in report.referral_paths:
            if len(path.realms) > 2:
                self._ways.setdefault(_pair(path.realms[0], path.realms[-1]), path)

    def direct(self, realm: str, other: str) -> KerberosExchange | None:
        """The exchange in which a KDC of `realm` gave a ticket for the KDCs of `other` itself: `other` trusts `realm`
        with no realm in between (RFC 4120 1.2)."""
        return self._direct.get(_pair(realm, other)) if realm.casefold() != other.casefold() else None

    def roundabout(self, realm: str, other: str) -> ReferralPath | None:
        """A referral path from one realm to the other through a third."""
        return self._ways.get(_pair(realm, other))

    def demanded(self, sname: Iterable[str]) -> KerberosExchange | None:
        """The answer of a KDC that there is no ticket for this name but for user-to-user."""
        return self._demands.get(folded_names(sname))

    def parent_of(self, realm: str) -> KerberosExchange | None:
        """The exchange whose ticket shows that there is a realm right above this one by its name."""
        return self._realms.get(realm.rstrip(".").casefold().partition(".")[2])


def _leads_to_a_kdc(ticket: TicketName) -> bool:
    """krbtgt/REALM."""
    return len(ticket.sname) == 2 and is_granting(ticket.sname)


def _pair(realm: str, other: str) -> _Pair:
    return realm.rstrip(".").casefold(), other.rstrip(".").casefold()
