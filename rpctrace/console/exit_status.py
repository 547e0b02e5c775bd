"""What a command ended with -> one number (a promise to scripts), and how two of them combine."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    DONE = 0
    FOUND = 1  # --fail-on was reached, an expectation failed, readings differ
    USAGE = 2
    UNREAD = 3  # an input could not be read, or only in part
    MISSING_PART = 4
    INTERNAL = 5
    INTERRUPTED = 130  # 128 + SIGINT
    TERMINATED = 143  # 128 + SIGTERM


# From weak to strong. An unread file never looks like a clean pass, so UNREAD covers FOUND.
_STRENGTH = (ExitStatus.DONE, ExitStatus.FOUND, ExitStatus.UNREAD)


def strongest(*statuses: ExitStatus) -> ExitStatus:
    return max(statuses, key=_STRENGTH.index, default=ExitStatus.DONE)
