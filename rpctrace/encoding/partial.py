"""What could be read of a structure whose octets are cut or damaged, and the first reason why not all of it could.

A parser of authentication tokens gives a value even for half a message: a field that could not be read is None, and
`problem` says where reading failed first. A kept error holds numbers only, never the octets that were being read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import ParamSpec, TypeVar

from rpctrace.errors import ParseError
from rpctrace.record import record

_Value = TypeVar("_Value")
_Arguments = ParamSpec("_Arguments")


@record
class Partial:
    """Base of values that may be incomplete. `problem` does not count when two values are compared."""

    problem: ParseError | None = field(default=None, compare=False, kw_only=True)

    @property
    def complete(self) -> bool:
        """Whether everything that belongs to the structure was there and was readable."""
        return self.problem is None


def detached(error: ParseError) -> ParseError:
    """`error` without traceback, cause and context, which would keep every octet that was being read in memory."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return error


class FirstProblem:
    """Collects the first error of a lenient reading; later ones are mostly its consequences."""

    __slots__ = ("error",)

    def __init__(self) -> None:
        self.error: ParseError | None = None

    def note(self, error: ParseError) -> None:
        if self.error is None:
            self.error = detached(error)

    def attempt(
        self, read: Callable[_Arguments, _Value], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Value | None:
        """What `read` returns, or None with the error noted."""
        try:
            return read(*args, **kwargs)
        except ParseError as error:
            self.note(error)
            return None
