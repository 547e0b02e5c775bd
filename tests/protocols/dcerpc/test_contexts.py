"""Presentation contexts: offered, accepted, rejected, withdrawn, bounded."""

from __future__ import annotations

from rpctrace.protocols.dcerpc.contexts import MAXIMUM_CONTEXTS, PresentationContexts
from rpctrace.protocols.dcerpc.pdu import PresentationContext, PresentationResult, SyntaxId

ONE, TWO, NDR = SyntaxId("1" * 8, 1, 0), SyntaxId("2" * 8, 1, 0), SyntaxId("ndr", 2, 0)


def offer(context_id: int, syntax: SyntaxId = ONE) -> PresentationContext:
    return PresentationContext(context_id, syntax, (NDR,))


def test_an_offer_without_its_answer_stands() -> None:
    """Capture of the client's direction only: the interface of a request is still named."""
    contexts = PresentationContexts()
    contexts.offer(0, [offer(3)])
    assert contexts.of_request(0, 3)[0][0].abstract_syntax == ONE
    assert contexts.of_request(0, 4) == ((), None)
    assert contexts.of_request(1, 3) == ((), None)


def test_results_stand_in_the_order_of_the_offers() -> None:
    """The accepted one is used with its transfer syntax, the rejected one is not; a missing result stays open."""
    contexts = PresentationContexts()
    offered = contexts.offer(0, [offer(0), offer(1, TWO), offer(2)])
    answered = contexts.answer(0, offered, [PresentationResult(0, 0, NDR), PresentationResult(2, 1, NDR)])
    assert [context.result for context in answered] == [0, 2, None]
    assert contexts.of_request(0, 0)[0][0].result is None  # a request's interface has no result of its own
    assert contexts.of_request(0, 1)[0] == ()


def test_a_refused_offer_is_withdrawn_and_the_accepted_one_stays() -> None:
    """The fault to an alter_context changes nothing that was accepted before."""
    contexts = PresentationContexts()
    contexts.answer(0, contexts.offer(0, [offer(0)]), [PresentationResult(0, 0, NDR)])
    contexts.withdraw(0, contexts.offer(0, [offer(0, TWO), offer(7, TWO)]))
    assert contexts.of_request(0, 0)[0][0].abstract_syntax == ONE
    assert contexts.of_request(0, 7) == ((), None)


def test_requests_are_told_of_a_context_that_changed() -> None:
    """One value for all requests of a context, until another answer or a refusal."""
    contexts = PresentationContexts()
    contexts.offer(0, [offer(0)])
    before, _ = contexts.of_request(0, 0)
    assert contexts.of_request(0, 0)[0] is before
    contexts.answer(0, contexts.offer(0, [offer(0, TWO)]), [PresentationResult(0, 0, NDR)])
    assert contexts.of_request(0, 0)[0][0].abstract_syntax == TWO
    contexts.withdraw(0, contexts.offer(0, [offer(1)]))
    assert contexts.of_request(0, 1) == ((), None)
    contexts.answer(0, contexts.offer(0, [offer(2)]), [PresentationResult(2, 1, NDR)])
    assert contexts.of_request(0, 2) == ((), f"presentation context 2 was not accepted (offered for {ONE.uuid})")


def test_contexts_are_bounded() -> None:
    """A flood of offers keeps the first ones and counts the others."""
    contexts = PresentationContexts()
    for context_id in range(MAXIMUM_CONTEXTS + 10):
        contexts.offer(0, [offer(context_id)])
    assert contexts.of_request(0, MAXIMUM_CONTEXTS - 1)[0]
    assert contexts.of_request(0, MAXIMUM_CONTEXTS) == ((), None)
    assert contexts.dropped == 10
