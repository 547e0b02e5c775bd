"""Report -> its calls as Parquet: the columns of the CSV, each with a type, for DuckDB, pandas and what reads Arrow.

Text that came from a capture is made safe as everywhere; nothing is put before what a spreadsheet would take for a
formula, because no spreadsheet reads this. pyarrow (the extra `parquet`) is loaded when a file is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from typing import Any, BinaryIO, TextIO

from rpctrace.encoding.text import safe_text
from rpctrace.errors import EngineError, UsageError
from rpctrace.render.csv import COLUMNS
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.report import SCHEMA, Call, Report

_ROWS_AT_ONCE = 8192
_LARGEST = 2**63 - 1
_SCHEMA_KEY = b"rpctrace.schema"  # in the file's metadata: by it a file of ours is known again
_BOOLEANS = frozenset(("failed", "partial", "ticket_user_to_user"))
_TIMES = frozenset(("request_time", "reply_time"))  # the same moments as request_ns and reply_ns, as timestamps
_INTEGERS = frozenset((
    "capture", "client_port", "server_port", "call_id", "sequence", "presentation_context_id", "opnum", "request_ns",
    "reply_ns", "status", "reject_reason", "auth_context_id", "auth_kerberos_error", "ticket_etype", "ticket_kvno",
    "ticket_frame",
))  # fmt: skip
_FRAMES = frozenset(("request_frames", "reply_frames"))


def require() -> None:
    """Raises `EngineError` where pyarrow is missing, before any work is done."""
    if find_spec("pyarrow") is None:
        raise EngineError("Parquet needs pyarrow, which is not installed: pip install 'rpctrace[parquet]'")


def column_types() -> dict[str, str]:
    """Name of each column -> its type, in words of Arrow."""
    types = {}
    for name, _ in COLUMNS:
        if name in _BOOLEANS:
            types[name] = "bool"
        elif name in _TIMES:
            types[name] = "timestamp[ns, tz=UTC]"
        elif name in _FRAMES:
            types[name] = "list<int64>"
        else:
            types[name] = "int64" if name in _INTEGERS else "string"
    return types


def _values(calls: Sequence[Call]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for name, get in COLUMNS:
        if name in _FRAMES:
            columns[name] = [list(getattr(call, name)) for call in calls]
        elif name in _TIMES:
            columns[name] = [_int64(getattr(call, f"{name.removesuffix('_time')}_ns")) for call in calls]
        elif name in _INTEGERS:
            columns[name] = [_int64(get(call)) for call in calls]
        elif name in _BOOLEANS:
            columns[name] = [get(call) for call in calls]
        else:
            columns[name] = [None if value is None else safe_text(str(value)) for value in map(get, calls)]
    return columns


def _int64(value: Any) -> int | None:
    """A time that a capture may claim can lie beyond the year 2262, where nanoseconds end."""
    return value if value is not None and -_LARGEST - 1 <= value <= _LARGEST else None


def _in_parts(calls: Iterable[Call]) -> Iterator[list[Call]]:
    rest = iter(calls)
    while part := list(islice(rest, _ROWS_AT_ONCE)):
        yield part


def render_octets(report: Report, out: BinaryIO, options: RenderOptions) -> None:  # noqa: ARG001  # the contract
    require()
    import pyarrow
    from pyarrow import parquet

    arrow: Mapping[str, Any] = {
        "bool": pyarrow.bool_(),
        "int64": pyarrow.int64(),
        "string": pyarrow.string(),
        "list<int64>": pyarrow.list_(pyarrow.int64()),
        "timestamp[ns, tz=UTC]": pyarrow.timestamp("ns", tz="UTC"),
    }
    schema = pyarrow.schema(
        [(name, arrow[kind]) for name, kind in column_types().items()], metadata={_SCHEMA_KEY: SCHEMA.encode()}
    )
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for part in _in_parts(report.calls):
            writer.write_table(pyarrow.table(_values(part), schema=schema))


def render(report: Report, out: TextIO, options: RenderOptions) -> None:  # noqa: ARG001  # the contract of a rendering
    raise UsageError("Parquet is no text: -o FILE.parquet writes it")


RENDERING = Rendering(
    "parquet",
    (".parquet",),
    "the calls as a typed table (needs pyarrow)",
    render,
    octets=render_octets,
    require=require,
)
