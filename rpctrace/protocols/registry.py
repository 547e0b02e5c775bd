"""The protocols that are read, as a table of contents: what tells their connections by octets, and who reads them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dcerpc.recognition import DATAGRAMS as DCERPC_DATAGRAMS
from rpctrace.protocols.dcerpc.recognition import RECOGNISER as DCERPC
from rpctrace.protocols.dissector import Dissector, Problems
from rpctrace.protocols.http.recognition import EVERY_CONNECTION as EVERY_HTTP
from rpctrace.protocols.http.recognition import RECOGNISER as HTTP
from rpctrace.protocols.kerberos.recognition import DATAGRAMS as KERBEROS_DATAGRAMS
from rpctrace.protocols.kerberos.recognition import RECOGNISER as KERBEROS
from rpctrace.protocols.ldap.recognition import RECOGNISER as LDAP
from rpctrace.protocols.smb.recognition import RECOGNISER as SMB
from rpctrace.scan.candidates import DatagramRecogniser, Recogniser


class Carrier(NamedTuple):
    """A protocol over TCP that carries something of interest; `open(joined_late)` begins to read one connection."""

    recogniser: Recogniser
    open: Callable[[bool], Dissector[Any]]


Open = Callable[[bool], Dissector[Any]]


def carriers(problems: Problems) -> tuple[tuple[Carrier, ...], list[dict[str, int]]]:
    """Those of one capture, and the bounds that their connections share, as counted so far. What they cannot read goes
    to `problems`. A carrier is loaded with its first connection: most captures have few of them."""
    limits: list[dict[str, int]] = []

    def smb() -> Open:
        from rpctrace.protocols.smb.server import Servers
        from rpctrace.protocols.smb.session import SmbConnection

        servers = Servers()
        limits.append(servers.limits)
        return lambda late: SmbConnection(problems, joined_late=late, servers=servers)

    def kerberos() -> Open:
        from rpctrace.protocols.kerberos.connection import KdcConnection

        return lambda late: KdcConnection(problems, joined_late=late)

    def ldap() -> Open:
        from rpctrace.protocols.ldap.connection import LdapConnection

        return lambda late: LdapConnection(problems, joined_late=late)

    def http() -> Open:
        from rpctrace.protocols.http.connection import HttpConnection
        from rpctrace.protocols.http.virtual_connections import VirtualConnections

        virtual = VirtualConnections(problems)
        limits.append(virtual.limits)
        return lambda late: HttpConnection(problems, joined_late=late, virtual=virtual)

    found = ((SMB, smb), (KERBEROS, kerberos), (LDAP, ldap), (EVERY_HTTP, http))
    return tuple([Carrier(recogniser, _loaded_late(load)) for recogniser, load in found]), limits


def _loaded_late(load: Callable[[], Open]) -> Open:
    loaded = cache(load)
    return lambda late: loaded()(late)


DATAGRAM_RECOGNISERS: tuple[DatagramRecogniser, ...] = (KERBEROS_DATAGRAMS, DCERPC_DATAGRAMS)
RECOGNISERS: tuple[Recogniser, ...] = (DCERPC, SMB, KERBEROS, LDAP, HTTP)
