"""Says from a network capture why an authenticated Windows RPC call failed, and which ticket it presented.

    import rpctrace
    report = rpctrace.analyze("expert.cap")
    for finding in report.findings:
        print(finding.title, finding.frames)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rpctrace.errors import CaptureError, EngineError, Malformed, ParseError, RpctraceError, Truncated, UsageError
from rpctrace.version import __version__

if TYPE_CHECKING:
    from rpctrace.analysis import Options, Progress, analyze
    from rpctrace.report import Call, Finding, Report, Ticket

__all__ = [
    "Call",
    "CaptureError",
    "EngineError",
    "Finding",
    "Malformed",
    "Options",
    "ParseError",
    "Progress",
    "Report",
    "RpctraceError",
    "Ticket",
    "Truncated",
    "UsageError",
    "__version__",
    "analyze",
]

# The names behind the door are fetched when first asked for: `--version` needs none of them.
_HOMES = {
    "Call": "report",
    "Finding": "report",
    "Options": "analysis",
    "Progress": "analysis",
    "Report": "report",
    "Ticket": "report",
    "analyze": "analysis",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
