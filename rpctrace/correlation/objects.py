"""A call on an object of DCOM -> what its IPID stands for: the interface, and the exporter where the object lives.

Activations, IRemUnknown and pointers in other answers hand IPIDs out ([MS-DCOM] 3.2.4.1); a call names one as the
object of its request. So a call that was joined late, of which no bind tells the interface, is known all the same.
"""

from __future__ import annotations

from dataclasses import replace

from rpctrace.report import Call, InterfacePointer, Report


def join(report: Report) -> Report:
    """An IPID is unique to its exporter for as long as it lives, and random enough to be unique in a report."""
    known: dict[str, InterfacePointer] = {}
    for call in report.calls:
        for pointer in call.dcom.pointers if call.dcom is not None else ():
            if pointer.ipid is not None:
                known[pointer.ipid] = pointer
        if call.dcom is not None and call.dcom.rem_unknown is not None and call.dcom.oxid is not None:
            exporter = call.dcom.rem_unknown
            known[exporter] = InterfacePointer(None, "IRemUnknown", None, None, None, exporter, call.dcom.oxid, None)
    if not known:
        return report
    return replace(report, calls=tuple(_call(call, known) for call in report.calls))


def _call(call: Call, known: dict[str, InterfacePointer]) -> Call:
    dcom = call.dcom
    pointer = known.get(dcom.ipid or "") if dcom is not None else None
    if dcom is None or pointer is None:
        return call
    told = replace(
        dcom, iid=pointer.iid, interface_name=pointer.name, oxid=dcom.oxid if dcom.oxid is not None else pointer.oxid
    )
    return call if told == dcom else replace(call, dcom=told)
