"""What the expert's computer says in clear, before it is sealed: stubs of DCOM and of Remote Assistance ([MS-DCOM]
3.1.2.5.2.3, [MS-RAI] 3.4.4)."""

from __future__ import annotations

from collections.abc import Sequence

from builders import dcerpc, dcom
from builders.dcerpc import SyntaxId
from builders.ndr import Ndr

from making import cast
from making.cast import NOVICE, NOVICE_6, NOVICE_NAME

# [MS-RAI] 1.9: the class that tells sessions, its interface, and the class of Windows XP that is tried in the end
SESSIONS_CLASS = "3c3a70a7-a468-49b9-8ada-28e11fccad5d"
IRASRV = SyntaxId("f120a684-b926-447f-9df4-c966cb785648")
HELP_CLASS = "833e4010-aff7-4ac3-aac2-9f24c1457bce"
CLASS_NOT_REGISTERED = 0x8004_0154  # [MS-ERREF] 2.1.1 REGDB_E_CLASSNOTREG
NOVICE_SESSION = 2
SESSIONS_IPID, FACTORY_IPID = "00008c01-0b54-0dd0-6a1e-5f0f3f0b8c21", "0000a402-1204-0f3c-91d2-2f7a1c5e0b44"
INSTANCE_IPID = "0000a403-1204-0f3c-7c55-d21b0e4f9a10"
FACTORY_AUTHENTICATION = ((9, 0xFFFF, "CHILD\\novice"), (16, 0xFFFF, "CHILD\\novice"))
COMPUTER_AUTHENTICATION = (
    (9, 0xFFFF, f"RPCSS/{NOVICE_NAME}"),
    (10, 0xFFFF, ""),
    (16, 0xFFFF, f"RPCSS/{NOVICE_NAME}"),
)
Securities = Sequence[tuple[int, int, str]]


def bindings(port: int | None, securities: Securities = COMPUTER_AUTHENTICATION) -> bytes:
    """Name and addresses of the novice's computer, with a port or (those of the resolver) without."""
    where = "" if port is None else f"[{port}]"
    addresses = (NOVICE.address, NOVICE_6.address)
    return dcom.bindings(tuple((7, f"{name}{where}") for name in (NOVICE_NAME, *addresses)), securities)


def _asked(class_id: str, interface: str, session: int | None = None, *, creates: bool) -> bytes:
    special = dcom.special_properties() if session is None else dcom.special_properties(session)
    properties = (
        special, dcom.instantiation_info(class_id, (interface,)), dcom.activation_context(),
        dcom.security_info(NOVICE_NAME), dcom.location_info(None), dcom.scm_request_info((7,)),
    )  # fmt: skip
    return dcom.activation_request(Ndr(), properties, creates=creates)


def _told(interface: str, ipid: str, port: int, securities: Securities) -> bytes:
    where = bindings(port, securities)
    given = dcom.objref(1, interface, dcom.std_objref(ipid) + bindings(None))
    return dcom.activation_response(Ndr(), [dcom.scm_reply_info(where), dcom.props_out([(interface, 0, given)])])


def sessions_instance() -> tuple[bytes, bytes]:
    """RemoteCreateInstance of the class that tells sessions, and the port of its object."""
    return (
        _asked(SESSIONS_CLASS, IRASRV.uuid, creates=True),
        _told(IRASRV.uuid, SESSIONS_IPID, cast.SESSIONS_PORT, COMPUTER_AUTHENTICATION),
    )


def class_factory_in_session() -> tuple[bytes, bytes]:
    """RemoteGetClassObject in the novice's session: its security bindings name the novice, not a service."""
    factory = dcerpc.ICLASSFACTORY.uuid
    return (
        _asked(SESSIONS_CLASS, factory, NOVICE_SESSION, creates=False),
        _told(factory, FACTORY_IPID, cast.CLASS_FACTORY_PORT, FACTORY_AUTHENTICATION),
    )


def help_instance() -> tuple[bytes, bytes]:
    """RemoteCreateInstance of the class that only Windows XP has."""
    return (
        _asked(HELP_CLASS, dcom.IUNKNOWN, creates=True),
        dcom.activation_response(Ndr(), None, CLASS_NOT_REGISTERED),
    )


def session_info() -> tuple[bytes, bytes]:
    """IRASrv GetSessionInfo: who is logged on in which session."""
    return dcom.this(Ndr()).done(), dcom.safe_array_of_text(Ndr(), (f"CHILD\\novice:{NOVICE_SESSION}",))


def create_instance() -> tuple[bytes, bytes]:
    """IClassFactory CreateInstance through the factory ([MS-DCOM] has it as an ordinary ORPC call, opnum 3)."""
    asked = dcom.this(Ndr()).pointer(False).guid(IRASRV.uuid).done()
    answer = dcom.that(Ndr()).pointer()
    given = dcom.objref(1, IRASRV.uuid, dcom.std_objref(INSTANCE_IPID) + bindings(None, FACTORY_AUTHENTICATION))
    return asked, dcom.interface_pointer(answer, given).align(4).u32(0).done()


def server_alive() -> bytes:
    """ServerAlive2's answer ([MS-DCOM] 3.1.2.5.1.6): where and how the novice's computer can be spoken to."""
    return dcom.server_alive_2(Ndr(), told=bindings(None))
