"""What stub data says of a call -> its entries of the Report: DCOM, and the secure channel of Netlogon."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rpctrace import report
from rpctrace.assembly.codes import hexadecimal, identifier
from rpctrace.knowledge import tables
from rpctrace.protocols.interfaces.activation import Activation
from rpctrace.protocols.interfaces.netlogon import NetlogonCall
from rpctrace.protocols.interfaces.orpc import OrpcCall
from rpctrace.protocols.interfaces.oxid import OxidAnswer
from rpctrace.protocols.interfaces.properties import ActivatedInterface
from rpctrace.protocols.interfaces.remunknown import RemUnknownCall
from rpctrace.protocols.interfaces.stub import ObjectFacts

if TYPE_CHECKING:
    from rpctrace.protocols.interfaces.registry import StubValue

_SHARED = 256  # calls of Netlogon whose entry is held for equal ones to come


def _name(uuid: str | None) -> str | None:
    fact = tables.interface(uuid) if uuid is not None else None
    return fact.name if fact else None


def _status(value: int | None) -> tuple[int | None, str | None, str | None]:
    return value, hexadecimal(value), tables.hresult_name(value) if value is not None else None


def _result(each: ActivatedInterface) -> report.InterfacePointer:
    return report.InterfacePointer(
        each.iid, _name(each.iid), *_status(each.hresult), each.ipid, identifier(each.oxid), identifier(each.oid)
    )


def _handed_over(each: ObjectFacts) -> report.InterfacePointer:
    return report.InterfacePointer(
        each.iid, _name(each.iid), *_status(None), each.ipid, identifier(each.oxid), identifier(each.oid)
    )


def dcom(said: StubValue) -> report.Dcom | None:
    """Causality, class, interfaces and where the object lives; None for calls that are none of DCOM."""
    match said:
        case OrpcCall():
            return report.Dcom(
                said.cid,
                said.ipid,
                *_status(said.hresult),
                error=said.error and said.error.description,
                pointers=tuple(map(_handed_over, (*said.objects, *said.passed))),
            )
        case RemUnknownCall():
            return report.Dcom(
                said.cid, said.rem_unknown, *_status(said.hresult), pointers=tuple(map(_result, said.results))
            )
        case Activation():
            return report.Dcom(
                said.cid,
                None,
                *_status(said.hresult),
                clsid=said.clsid,
                class_name=_name(said.clsid),
                session_id=said.session_id,
                server_name=said.server_name,
                pointers=tuple(map(_result, said.results)),
                oxid=identifier(said.oxid),
                rem_unknown=said.ipid_rem_unknown,
                bindings=_bindings(said),
                principals=_principals(said),
                authn_hint=said.authn_hint,
                authn_hint_name=_level(said.authn_hint),
            )
        case OxidAnswer():
            return report.Dcom(
                None,
                None,
                *_status(said.status),
                oxid=identifier(said.oxid),
                rem_unknown=said.ipid_rem_unknown,
                bindings=_bindings(said),
                principals=_principals(said),
                authn_hint=said.authn_hint,
                authn_hint_name=_level(said.authn_hint),
            )
    return None


def _level(level: int | None) -> str | None:
    return None if level is None else tables.auth_level_name(level)


def _bindings(said: Activation | OxidAnswer) -> tuple[str, ...]:
    return tuple(f"{each.protocol}:{each.network_address}" for each in said.bindings)


def _principals(said: Activation | OxidAnswer) -> tuple[str, ...]:
    """The services that the server authenticates with, each with the name to ask a ticket for where it tells one."""
    told = []
    for each in said.security_bindings:
        service = tables.auth_type_name(each.authn_service) or str(each.authn_service)
        told.append(f"{service}:{each.principal}" if each.principal else service)
    return tuple(told)


def secure_channel(said: StubValue) -> report.SecureChannel | None:
    """A call of Netlogon; of a sealed one its operation and lengths."""
    return _secure_channel(said) if isinstance(said, NetlogonCall) else None


@lru_cache(_SHARED)
def _secure_channel(said: NetlogonCall) -> report.SecureChannel:
    logon, kind, level = said.logon, said.channel_type, said.logon_level
    return report.SecureChannel(
        said.operation,
        said.is_logon,
        said.sealed,
        said.request_octets,
        said.response_octets,
        said.computer_name,
        said.account_name,
        kind,
        None if kind is None else tables.secure_channel_type_name(kind),
        level,
        None if level is None else tables.logon_level_name(level),
        logon.domain if logon else None,
        logon.user if logon else None,
        logon.workstation if logon else None,
        logon.package if logon else None,
        said.status,
        hexadecimal(said.status),
        None if said.status is None else tables.ntstatus_name(said.status),
        said.asked_flags,
        said.negotiated_flags,
    )
