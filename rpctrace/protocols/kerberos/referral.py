"""What an exchange with a KDC shows of the way to a service: referrals to another realm, and user-to-user."""

from __future__ import annotations

from rpctrace.protocols.kerberos.exchange import KdcExchange, granted_realm
from rpctrace.protocols.kerberos.kdc_messages import KdcOptions, KdcRep, KdcReq
from rpctrace.protocols.kerberos.kpasswd import KpasswdReq
from rpctrace.protocols.kerberos.messages import KrbError, MessageType

_WRONG_REALM = 68  # KDC_ERR_WRONG_REALM, RFC 4120 7.5.9


# RFC 4120 3.3.1, RFC 6806 8
def referral(exchange: KdcExchange) -> str | None:
    """The realm to which a TGS-REP refers the client: its ticket is for krbtgt/OTHER, and another name was asked for.
    None for other exchanges, and where the request is not in the capture; also for krbtgt of the realm that issued the
    ticket, which Windows asks for by its NetBIOS name."""
    request, reply = exchange.request, exchange.reply
    if not isinstance(reply, KdcRep) or reply.message_type != MessageType.TGS_REP or reply.ticket is None:
        return None
    granted = granted_realm(reply.ticket.sname)
    issuer = reply.ticket.realm
    if granted is None or (issuer is not None and issuer.casefold() == granted.casefold()):
        return None
    if not isinstance(request, KdcReq) or request.sname is None or not request.sname.components:
        return None
    asked = granted_realm(request.sname)
    return None if asked is not None and asked.casefold() == granted.casefold() else granted


# RFC 6806 7
def client_referral(exchange: KdcExchange) -> str | None:
    """The realm in which the client is to ask instead: KDC_ERR_WRONG_REALM names it as crealm."""
    reply = exchange.reply
    return reply.crealm if isinstance(reply, KrbError) and reply.error_code == _WRONG_REALM else None


# RFC 4120 3.3.3, 5.4.1
def requested_user_to_user(exchange: KdcExchange) -> bool | None:
    """Whether a ticket in another ticket's session key was asked for; None where the request does not tell."""
    request = exchange.request
    if isinstance(request, KpasswdReq):
        return False
    return None if request is None or request.options is None else KdcOptions.ENC_TKT_IN_SKEY in request.options
