"""Tokens that the builders write, for tests of what stands above the token readers."""

from __future__ import annotations

from builders import kerberos, ntlm, spnego

TIME_NS = 1_331_717_210_000_000_000
SERVICE = kerberos.ticket("DOMAINB.COM", kerberos.principal("host", "dc1.domainb.com"), kvno=3, cipher=bytes(64))
NOVICE = kerberos.ticket("child.domainA.COM", kerberos.principal("novice"), cipher=bytes(64))
TGT = kerberos.ticket("CHILD.DOMAINA.COM", kerberos.ticket_granting("CHILD.DOMAINA.COM"), cipher=bytes(64))
AP_REQ = kerberos.ap_req(SERVICE, authenticator_cipher=bytes(32))
U2U_AP_REQ = kerberos.ap_req(NOVICE, ap_options=0x60000000, authenticator_cipher=bytes(32))
SKEW = kerberos.krb_error(
    37,
    "DOMAINB.COM",
    kerberos.principal("host", "dc1.domainb.com"),
    server_time_ns=TIME_NS,
    server_microseconds=250_000,
    text="clock skew",
    data=kerberos.extended_error_data(0xC0000133),
)

# What travels in a security trailer, by what it is. Recorded tokens of every kind: `authentication_tokens`.
TOKENS: dict[str, bytes] = {
    "SPNEGO AP-REQ": spnego.neg_token_init(mech_token=AP_REQ),
    "user-to-user AP-REQ in a later leg": spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, response_token=U2U_AP_REQ),
    "TGT-REQ": spnego.neg_token_init(mech_token=kerberos.gss_tgt_request(kerberos.principal("novice"))),
    "TGT-REP": spnego.neg_token_resp(1, kerberos.KRB5_USER_TO_USER, kerberos.gss_tgt_reply(TGT)),
    "GSS KRB-ERROR": kerberos.gss_frame(kerberos.TOKEN_ERROR, SKEW),
    "accept-completed": spnego.neg_token_resp(0, kerberos.MS_KRB5),
    "reject": spnego.neg_token_resp(2),
    "NTLM in SPNEGO": spnego.neg_token_init(mech_token=ntlm.negotiate()),
}
