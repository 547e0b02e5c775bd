"""Progress of a long reading -> one moving line on standard error, where that is a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from rpctrace.encoding.text import safe_text

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from rpctrace.analysis import Progress

QUIET_SECONDS = 1.0


class ProgressLine:
    """Called with each `Progress`; shows nothing in the first second, and nothing at all where nobody looks."""

    def __init__(self, quiet: bool) -> None:
        self._wanted = not quiet and sys.stderr.isatty()
        self._started = time.monotonic()
        self._shown: RichProgress | None = None
        self._tasks: dict[str, int] = {}

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shown is not None:
            self._shown.stop()

    def __call__(self, progress: Progress) -> None:
        if not self._wanted or time.monotonic() - self._started < QUIET_SECONDS:
            return
        from rich.progress import TaskID

        if self._shown is None:
            self._shown = _line()
            self._shown.start()
        name = safe_text(progress.path)
        if name not in self._tasks:
            self._tasks[name] = self._shown.add_task(name, total=progress.size_octets, frames=0)
        task = TaskID(self._tasks[name])
        self._shown.update(task, completed=progress.read_octets, frames=progress.frames)


def _line() -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),  # a file name is no markup
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[frames]} frames"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
