"""Tokens of every kind, written by the builders, with the auth type under which they travel."""

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
TARGET = ((2, "DOMAINB"), (1, "DC1"), (4, "domainb.com"), (3, "dc1.domainb.com"))

# name -> auth type, octets, kind, mechanism
TOKENS: dict[str, tuple[int, bytes, str, str]] = {
    "raw AP-REQ": (16, AP_REQ, "AP-REQ", "kerberos"),
    "raw AP-REQ under SPNEGO's auth type": (9, AP_REQ, "AP-REQ", "kerberos"),
    "GSS AP-REQ": (16, kerberos.gss_frame(kerberos.TOKEN_AP_REQ, AP_REQ), "AP-REQ", "kerberos"),
    "SPNEGO AP-REQ": (9, spnego.neg_token_init(mech_token=AP_REQ), "AP-REQ", "kerberos"),
    "SPNEGO GSS AP-REQ": (
        9,
        spnego.neg_token_init(mech_token=kerberos.gss_frame(kerberos.TOKEN_AP_REQ, AP_REQ)),
        "AP-REQ",
        "kerberos",
    ),
    "user-to-user AP-REQ in a later leg": (
        9,
        spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, response_token=U2U_AP_REQ),
        "AP-REQ",
        "kerberos",
    ),
    "raw AP-REP": (16, kerberos.ap_rep(), "AP-REP", "kerberos"),
    "third leg": (
        9,
        spnego.neg_token_resp(response_token=kerberos.ap_rep(cipher=bytes(68)), mech_list_mic=bytes(16)),
        "AP-REP",
        "kerberos",
    ),
    "TGT-REQ": (
        9,
        spnego.neg_token_init(mech_token=kerberos.gss_tgt_request(kerberos.principal("novice"))),
        "TGT-REQ",
        "kerberos",
    ),
    "TGT-REP": (
        9,
        spnego.neg_token_resp(1, kerberos.KRB5_USER_TO_USER, kerberos.gss_tgt_reply(TGT)),
        "TGT-REP",
        "kerberos",
    ),
    "GSS KRB-ERROR": (16, kerberos.gss_frame(kerberos.TOKEN_ERROR, SKEW), "KRB-ERROR", "kerberos"),
    "SPNEGO KRB-ERROR": (9, spnego.neg_token_resp(1, kerberos.KRB5, SKEW), "KRB-ERROR", "kerberos"),
    "SPNEGO without a token": (9, spnego.neg_token_init(), "NegTokenInit", "spnego"),
    "accept-completed": (9, spnego.neg_token_resp(0, kerberos.MS_KRB5), "NegTokenResp", "kerberos"),
    "reject": (9, spnego.neg_token_resp(2), "NegTokenResp", "spnego"),
    "NTLM negotiate": (10, ntlm.negotiate(domain="DOMAINB", workstation="WS1"), "NEGOTIATE", "ntlm"),
    "NTLM challenge": (10, ntlm.challenge("DOMAINB", TARGET), "CHALLENGE", "ntlm"),
    "NTLM authenticate": (255, ntlm.authenticate("DOMAINB", "alice", "WS1"), "AUTHENTICATE", "ntlm"),
    "NTLM in SPNEGO": (9, spnego.neg_token_init(mech_token=ntlm.negotiate()), "NEGOTIATE", "ntlm"),
    "Netlogon": (68, bytes.fromhex("0000000003000000") + b"DOMAINB\0WS2\0", "NL_AUTH_MESSAGE", "netlogon"),
    "TLS": (14, bytes.fromhex("160301000401000000"), "TLS", "schannel"),
}
