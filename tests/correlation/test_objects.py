"""IPIDs that answers handed out tell what later calls are made on."""

from __future__ import annotations

from report_values import answered_call, article_report

from rpctrace.correlation.objects import join
from rpctrace.report import Dcom, InterfacePointer

POINTER = InterfacePointer("iid", "IWbemServices", 0, "0x00000000", "S_OK", "ipid-1", "0x00000000000000ab", None)


def test_a_call_on_a_pointer_that_was_handed_out() -> None:
    """Interface and exporter; IRemUnknown by the activation's own word; an unknown pointer stays unknown."""
    activation = Dcom(None, None, 0, None, None, pointers=(POINTER,), oxid="0x01", rem_unknown="ipid-2")
    calls = [
        answered_call(id=f"call-{n}", dcom=dcom)
        for n, dcom in enumerate((activation, *(Dcom("c", f"ipid-{n}", 0, None, None) for n in (1, 2, 3))))
    ]
    joined = join(article_report(calls=tuple(calls)))
    told = [(call.dcom.iid, call.dcom.interface_name, call.dcom.oxid) for call in joined.calls if call.dcom]
    assert told[1:] == [
        ("iid", "IWbemServices", "0x00000000000000ab"), (None, "IRemUnknown", "0x01"), (None, None, None),
    ]  # fmt: skip
    assert join(joined) == joined


def test_a_report_without_pointers_is_left_alone() -> None:
    """Not even copied."""
    report = article_report()
    assert join(report) is report
