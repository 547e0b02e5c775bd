"""The presentation contexts of one association: which interface a context id stands for.

C706 9.3.2: a context is usable once it was accepted; a rejected one is not. Where the answer is not in the capture the
offer stands, marked by `result` None. The fault to a refused alter_context leaves earlier contexts as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rpctrace.protocols.dcerpc.call import OfferedContext
from rpctrace.protocols.dcerpc.pdu import PresentationContext, PresentationResult
from rpctrace.stream.stream import Direction

MAXIMUM_CONTEXTS = 4096
ACCEPTANCE = 0


class PresentationContexts:
    """Context id -> what is known of it, for each direction that binds (only one does, except in hostile captures)."""

    __slots__ = ("_contexts", "_of_request", "dropped")

    def __init__(self) -> None:
        self.dropped = 0
        self._contexts: dict[tuple[Direction, int], OfferedContext] = {}
        # What requests of a context are told of it, one value for all of them, until the context changes.
        self._of_request: dict[tuple[Direction, int], tuple[OfferedContext, ...]] = {}

    def offer(self, sender: Direction, contexts: Sequence[PresentationContext]) -> tuple[OfferedContext, ...]:
        """A bind or alter_context offers: an accepted context of the same id is kept until an answer replaces it."""
        offered = tuple(
            OfferedContext(c.context_id, c.abstract_syntax, c.transfer_syntaxes[0] if c.transfer_syntaxes else None)
            for c in contexts
        )
        for context in offered:
            known = self._contexts.get((sender, context.context_id))
            if known is None or known.result != ACCEPTANCE:
                self._set(sender, context)
        return offered

    def answer(
        self, sender: Direction, offered: Sequence[OfferedContext], results: Sequence[PresentationResult]
    ) -> tuple[OfferedContext, ...]:
        """The results stand in the order of the offers; more offers than results stay unanswered."""
        answered = [
            OfferedContext(
                context.context_id,
                context.abstract_syntax,
                result.transfer_syntax if result.result == ACCEPTANCE else context.transfer_syntax,
                result.result,
                result.reason,
            )
            for context, result in zip(offered, results, strict=False)
        ]
        for context in answered:
            known = self._contexts.get((sender, context.context_id))
            if context.result == ACCEPTANCE or known is None or known.result != ACCEPTANCE:
                self._set(sender, context)
        return (*answered, *offered[len(answered) :])

    def withdraw(self, sender: Direction, offered: Sequence[OfferedContext]) -> None:
        """The whole bind or alter_context was refused: what it offered and nobody accepted is not there."""
        for context in offered:
            known = self._contexts.get((sender, context.context_id))
            if known is not None and known.result is None:
                del self._contexts[sender, context.context_id]
                self._of_request.pop((sender, context.context_id), None)

    def of_request(self, sender: Direction, context_id: int) -> tuple[tuple[OfferedContext, ...], str | None]:
        """The interface of a request, and a note where it names one that was refused."""
        key = (sender, context_id)
        known = self._of_request.get(key)
        if known is not None:
            return known, None
        context = self._contexts.get(key)
        if context is None:
            return (), None
        if context.result not in (None, ACCEPTANCE):
            name = context.abstract_syntax.uuid
            return (), f"presentation context {context_id} was not accepted (offered for {name})"
        self._of_request[key] = known = (replace(context, result=None, reason=None),)
        return known, None

    def _set(self, sender: Direction, context: OfferedContext) -> None:
        key = (sender, context.context_id)
        if key in self._contexts or len(self._contexts) < MAXIMUM_CONTEXTS:
            self._contexts[key] = context
            self._of_request.pop(key, None)
        else:
            self.dropped += 1
