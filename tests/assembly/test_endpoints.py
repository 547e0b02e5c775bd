"""Endpoints that answers told, and answers that there is none."""

from __future__ import annotations

from dataclasses import replace

from calls_of_the_article import FACTS, observed

from rpctrace.assembly import endpoints
from rpctrace.assembly.calls import Assembler
from rpctrace.conversations.observations import ObservedCall
from rpctrace.protocols.dcerpc.pdu import SyntaxId
from rpctrace.protocols.interfaces import epm
from rpctrace.protocols.interfaces.activation import Activation
from rpctrace.protocols.interfaces.bindings import StringBinding
from rpctrace.protocols.interfaces.tower import Endpoint

SAMR = SyntaxId("12345778-1234-abcd-ef00-0123456789ac", 1, 0)
MMC = "49b2791a-b1ae-4c90-9b8e-e860ba07f889"


def call(said: object) -> ObservedCall:
    return ObservedCall(FACTS, observed()[0].call, said=said)  # type: ignore[arg-type]


def test_an_answer_of_the_endpoint_mapper() -> None:
    """Interface with its name, port, and who told it; an address of zeros is the teller's own."""
    entry = Endpoint(SAMR, None, "ncacn_ip_tcp", "0.0.0.0", 49153, None)
    (told,) = endpoints.told(Assembler(0, {}), call(epm.EndpointAnswer("ept_map", entries=(entry,), problem=None)))
    assert (told.source, told.interface_name, told.interface_version, told.port) == ("ept_map", "samr", "1.0", 49153)
    assert (told.server, told.teller, told.frame) == (None, "10.0.0.2", 2)


def test_not_registered() -> None:
    """The interface that was asked for, and the status."""
    said = epm.EndpointAnswer("ept_map", asked=SAMR, status=0x16C9A0D6, problem=None)
    (told,) = endpoints.told(Assembler(0, {}), call(said))
    assert (told.interface_name, told.port, told.status_hex) == ("samr", None, "0x16c9a0d6")
    assert told.status_name
    assert list(endpoints.told(Assembler(0, {}), call(replace(said, status=0)))) == []


def test_where_an_activated_object_is() -> None:
    """By the name of its class; a binding without a port tells none."""
    bindings = (StringBinding(7, "DC1[49724]"), StringBinding(7, "DC1"))
    said = Activation("RemoteCreateInstance", clsid=MMC, oxid=1, bindings=bindings, problem=None)
    told = [(each.server, each.port, each.purpose) for each in endpoints.told(Assembler(0, {}), call(said))]
    assert told[0] == ("DC1", 49724, "objects of class MMC20.Application")


def test_ids_follow_frames_and_name_the_calls_that_are_kept() -> None:
    """Behind those of the captures before."""
    said = epm.EndpointAnswer("ept_map", asked=SAMR, status=0x16C9A0D6, problem=None)
    first, second = call(said), call(said)
    entries = [(entry, each) for each in (first, second) for entry in endpoints.told(Assembler(0, {}), each)]
    entries[0] = (replace(entries[0][0], frame=9), first)
    told = endpoints.numbered(entries, {id(first): "call-7"}, 3)
    assert [(each.id, each.call) for each in told] == [("endpoint-4", None), ("endpoint-5", "call-7")]
