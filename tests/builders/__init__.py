"""The writing half: builds what rpctrace reads. For tests and the sample maker only; shares no code with the readers.

    from builders import dcerpc, kerberos, spnego
    from builders import CLIENT, SERVER, Host, TcpConversation, pcapng

| module | makes |
| --- | --- |
| `der` | ASN.1 DER elements |
| `kerberos`, `spnego`, `ntlm` | tokens and KDC messages, with filler where ciphertext would be |
| `kerberos_crypto`, `pac`, `keytab` | what stands there when it is really encrypted: tickets, authenticators, PACs |
| `sealing` | PDUs sealed as Kerberos (RFC 4121) and Netlogon do it |
| `dcerpc`, `dcerpc_datagram` | PDUs of every type, either byte order, over connections and over UDP |
| `extended_error` | the [MS-EERR] record of a fault or bind_nak |
| `ndr`, `epm`, `dcom`, `netlogon_rpc` | stubs in NDR and NDR64, of the endpoint mapper, DCOM and Netlogon |
| `smb`, `http`, `ldap`, `cldap` | what carries RPC and tokens: SMB 1 to 3, RPC over HTTP, LDAP |
| `network`, `tcp`, `dns` | frames, TCP conversations, what a bad capture does to them |
| `files` | pcap, pcapng and Network Monitor files |
"""

from builders import (
    cldap,
    dcerpc,
    dcerpc_datagram,
    dcom,
    der,
    dns,
    epm,
    extended_error,
    files,
    http,
    kerberos,
    ldap,
    ndr,
    netlogon_rpc,
    network,
    ntlm,
    smb,
    spnego,
    tcp,
)
from builders.files import Interface, netmon, pcap, pcapng
from builders.filler import filler
from builders.network import Host, TimedFrame, ip_frame, udp_frame
from builders.tcp import CLIENT, SERVER, TcpConversation, cut, dropped, duplicated, merged, reordered, shifted

__all__ = [
    "CLIENT",
    "SERVER",
    "Host",
    "Interface",
    "TcpConversation",
    "TimedFrame",
    "cldap",
    "cut",
    "dcerpc",
    "dcerpc_datagram",
    "dcom",
    "der",
    "dns",
    "dropped",
    "duplicated",
    "epm",
    "extended_error",
    "files",
    "filler",
    "http",
    "ip_frame",
    "kerberos",
    "ldap",
    "merged",
    "ndr",
    "netlogon_rpc",
    "netmon",
    "network",
    "ntlm",
    "pcap",
    "pcapng",
    "reordered",
    "shifted",
    "smb",
    "spnego",
    "tcp",
    "udp_frame",
]
