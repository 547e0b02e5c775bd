"""The protocols that are read, as a table of contents: what tells their connections by octets, and who reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from rpctrace.protocols.dcerpc.recognition import DATAGRAMS as DCERPC_DATAGRAMS
from rpctrace.protocols.dcerpc.recognition import RECOGNISER as DCERPC
from rpctrace.protocols.dissector import Dissector, Problems
from rpctrace.protocols.http.connection import HttpConnection
from rpctrace.protocols.http.recognition import EVERY_CONNECTION as EVERY_HTTP
from rpctrace.protocols.http.recognition import RECOGNISER as HTTP
from rpctrace.protocols.http.virtual_connections import VirtualConnections
from rpctrace.protocols.kerberos.connection import KdcConnection
from rpctrace.protocols.kerberos.recognition import DATAGRAMS as KERBEROS_DATAGRAMS
from rpctrace.protocols.kerberos.recognition import RECOGNISER as KERBEROS
from rpctrace.protocols.ldap.connection import LdapConnection
from rpctrace.protocols.ldap.recognition import RECOGNISER as LDAP
from rpctrace.protocols.smb.recognition import RECOGNISER as SMB
from rpctrace.protocols.smb.server import Servers
from rpctrace.protocols.smb.session import SmbConnection
from rpctrace.scan.candidates import DatagramRecogniser, Recogniser


class Carrier(NamedTuple):
    """A protocol over TCP that carries something of interest; `open(joined_late)` begins to read one connection."""

    recogniser: Recogniser
    open: Callable[[bool], Dissector[Any]]


def carriers(problems: Problems) -> tuple[tuple[Carrier, ...], tuple[dict[str, int], ...]]:
    """Those of one capture, and the bounds that their connections share, as counted so far. What they cannot read goes
    to `problems`."""
    virtual_connections, servers = VirtualConnections(problems), Servers()
    found = (
        Carrier(SMB, lambda late: SmbConnection(problems, joined_late=late, servers=servers)),
        Carrier(KERBEROS, lambda late: KdcConnection(problems, joined_late=late)),
        Carrier(LDAP, lambda late: LdapConnection(problems, joined_late=late)),
        Carrier(EVERY_HTTP, lambda late: HttpConnection(problems, joined_late=late, virtual=virtual_connections)),
    )
    return found, (virtual_connections.limits, servers.limits)


DATAGRAM_RECOGNISERS: tuple[DatagramRecogniser, ...] = (KERBEROS_DATAGRAMS, DCERPC_DATAGRAMS)
RECOGNISERS: tuple[Recogniser, ...] = (DCERPC, SMB, KERBEROS, LDAP, HTTP)
