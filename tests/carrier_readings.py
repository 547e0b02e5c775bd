"""What tshark reads in the built captures of each carrier."""

from __future__ import annotations

LOGON = [
    ("10", "", "krbtgt,CHILD.DOMAINA.COM", "88", ""),
    ("30", "25", "krbtgt,CHILD.DOMAINA.COM", "50340", ""),
    ("10", "", "krbtgt,CHILD.DOMAINA.COM", "88", ""),
    ("30", "52", "krbtgt,CHILD.DOMAINA.COM", "50341", ""),
    ("10", "", "krbtgt,CHILD.DOMAINA.COM", "", "88"),
    ("11", "", "krbtgt,CHILD.DOMAINA.COM", "", "50342"),
]
ASKED_HOST = "host,resource-win73.domainb.com"
REFERRED = [
    ("12,14", "", f"krbtgt,CHILD.DOMAINA.COM,{ASKED_HOST}", "", "88"),
    ("13", "", "krbtgt,DOMAINA.COM", "", "50343"),
    ("12,14", "", f"krbtgt,DOMAINA.COM,{ASKED_HOST}", "88", ""),
    ("13", "", "krbtgt,DOMAINB.COM", "50344", ""),
    ("12,14", "", f"krbtgt,DOMAINB.COM,{ASKED_HOST}", "", "88"),
]
KDC_FIELDS = ("kerberos.msg_type", "kerberos.error_code", "kerberos.SNameString", "udp.dstport", "tcp.dstport")
SHARE = r"\\fs1.domainb.com\IPC$"
LDAP_SAYS = "8009030C: LdapErr: DSID-0C0904DC, comment: AcceptSecurityContext error, data 52e, v1db1"
ENCRYPTED = "smb2.header.transform.flags.encrypted"
CAUSALITY = "93db879a-5aeb-4f84-97be-637a19b65b22"
# What carries the calls, and what is beside them: display filter, fields, their values in each frame that passes.
CARRIERS: dict[str, list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]] = {
    "pipe-smb1": [
        ("smb.cmd == 0x25 && dcerpc", ("smb.file", "smb.path", "dcerpc.pkt_type", "dcerpc.opnum"), [
            (r"\samr", SHARE, "11", ""), (r"\samr,\samr", SHARE, "12", ""), (r"\samr", SHARE, "0", "64"),
            (r"\samr,\samr", SHARE, "3", "64"),
        ]),
        ("smb.cmd == 0x73 && ntlmssp", ("ntlmssp.messagetype", "ntlmssp.auth.username"), [
            ("0x00000001", ""), ("0x00000002", ""), ("0x00000003", "expert"),
        ]),
    ],
    "pipe-joined-late": [
        ("smb2", ("smb2.cmd", "smb2.ioctl.function", "dcerpc.pkt_type"), [
            ("11", "0x0011c017", kind) for kind in ("11", "12", "0", "2", "14", "3")
        ]),
    ],
    "pipe-encrypted": [
        ("smb2", ("smb2.cmd", "smb2.ses_flags.encrypt", ENCRYPTED, "kerberos.SNameString"), [
            ("0", "", "", ""), ("0", "", "", ""), ("1", "", "", "cifs,fs1.domainb.com"), ("1", "1", "", ""),
            *[("", "", "1", "")] * 8,
        ]),
    ],
    "http": [
        ("http.request || http.response", ("http.request.method", "http.response.code", "ntlmssp.messagetype"), [
            ("RPC_IN_DATA", "", "0x00000001"), ("", "401", "0x00000002"), ("RPC_IN_DATA", "", "0x00000003"),
            ("RPC_OUT_DATA", "", "0x00000001"), ("", "401", "0x00000002"), ("RPC_OUT_DATA", "", "0x00000003"),
            ("", "200", ""),
        ]),
        ("dcerpc.cn_rts_commands_nb", ("dcerpc.cn_rts_commands_nb", "dcerpc.cn_rts_command.version"), [
            ("4", "0x00000001"),
        ]),
    ],
    "port-refused": [
        ("epm || tcp.port == 49158", ("epm.proto.tcp_port", "tcp.flags.syn", "tcp.flags.reset"), [
            ("135", "0", "0"), ("49158", "0", "0"), *[("", "1", "0"), ("", "0", "1")] * 3,
        ]),
    ],
    "not-registered": [
        ("epm", ("dcerpc.opnum", "epm.rc", "epm.num_towers"), [("3", "", ""), ("3", "0x16c9a0d6", "0")]),
    ],
    "activation": [
        ("dcom.this.uuid", ("dcerpc.opnum", "dcom.this.uuid", "tcp.dstport"), [
            ("3", CAUSALITY, "135"), ("3", CAUSALITY, "49834"),
        ]),
        ("isystemactivator && dcom.hresult", ("dcom.hresult",), [("0x00000000",)]),
    ],
    "ntlm-fallback": [
        ("kerberos.error_code || ntlmssp || srvsvc", ("kerberos.error_code", "ntlmssp.auth.username", "dcerpc.opnum"), [
            ("7", "", ""), ("", "", ""), ("", "", ""), ("", "expert", ""), ("", "", "15"), ("", "", "15"),
        ]),
    ],
    "ldap-bind-refused": [
        ("ldap", ("ldap.mechanism", "kerberos.SNameString", "ldap.resultCode", "ldap.errorMessage"), [
            ("GSS-SPNEGO", "ldap,dc1.domainb.com", "", ""), ("", "", "49", LDAP_SAYS), ("", "", "", ""),
        ]),
    ],
    "referral": [("kerberos && !dcerpc", KDC_FIELDS, [*LOGON, *REFERRED, ("13", "", ASKED_HOST, "", "50345")])],
    "referral-stops": [("kerberos", KDC_FIELDS, [*LOGON, *REFERRED, ("30", "7", ASKED_HOST, "", "50345")])],
    "secure-channel": [
        ("rpc_netlogon || epm", ("dcerpc.opnum", "netlogon.acct_name", "netlogon.neg_flags", "dcerpc.auth_type"), [
            ("3", "", "", ""), ("3", "", "", ""), ("4", "", "", ""), ("4", "", "", ""),
            ("26", "RESOURCE-WIN73$", "0x612fffff", ""), ("26", "", "0x612fffff", ""),
            ("39", "", "", "68"), ("39", "", "", "68"),
        ]),
    ],
}  # fmt: skip
