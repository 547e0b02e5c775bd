"""How much work something is, counted: the same on every machine, however busy."""

from __future__ import annotations

import sys
from collections.abc import Callable


def function_calls(work: Callable[[], object]) -> int:
    """How many functions are called meanwhile, those in C too."""
    counted = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted
