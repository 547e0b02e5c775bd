"""What is observed beside calls and kept until the capture's end, within bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from rpctrace.conversations.observations import (
    Observation,
    ObservedAuthentication,
    ObservedCall,
    ObservedExchange,
    ObservedIncident,
    ObservedNotice,
    ObservedSession,
)
from rpctrace.protocols.gssapi.exchange import NtlmNames
from rpctrace.protocols.interfaces.stub import Telling
from rpctrace.report import KerberosExchange
from rpctrace.tally import ENDPOINTS_KEPT, EVENTS_KEPT, EXCHANGES_KEPT

# By what is observed: the name of its bound, and the bound.
_BOUNDS: dict[type[Any], tuple[str, int]] = {
    ObservedAuthentication: ("authentications_kept", EXCHANGES_KEPT),
    ObservedCall: ("endpoints_kept", ENDPOINTS_KEPT),
    ObservedExchange: ("exchanges_kept", EXCHANGES_KEPT),
    ObservedIncident: ("events_kept", EVENTS_KEPT),
    ObservedNotice: ("events_kept", EVENTS_KEPT),
    ObservedSession: ("authentications_kept", 2 * EXCHANGES_KEPT),
}
Session = tuple[int, int]  # number of the connection, session of SMB


class Gathered:
    """`left_out` counts what was not kept, by the bound's name. `entry_of` makes the entry of an exchange."""

    def __init__(self, entry_of: Callable[[ObservedExchange], KerberosExchange]) -> None:
        self._entry_of = entry_of
        self._kept: dict[type[Any], list[Any]] = {each: [] for each in _BOUNDS}
        self.left_out: Counter[str] = Counter()

    def take(self, observation: Observation) -> None:
        """One more; of exchanges their entries, which take less."""
        kind = type(observation)
        name, most = _BOUNDS[kind]
        kept = self._kept[kind]
        if len(kept) >= most:
            self.left_out[name] += 1
        elif isinstance(observation, ObservedExchange):
            kept.append(self._entry_of(observation))
        else:
            kept.append(observation)

    def tell(self, observed: ObservedCall) -> None:
        """A call whose stub data may tell endpoints."""
        if isinstance(observed.said, Telling):
            self.take(observed)

    @property
    def tellers(self) -> list[ObservedCall]:
        return self._kept[ObservedCall]

    @property
    def exchanges(self) -> list[KerberosExchange]:
        return self._kept[ObservedExchange]

    @property
    def incidents(self) -> list[ObservedIncident]:
        return self._kept[ObservedIncident]

    @property
    def notices(self) -> list[ObservedNotice]:
        return self._kept[ObservedNotice]

    def authentications(self) -> list[ObservedAuthentication]:
        """With the target and the names that became known of their sessions besides the tokens."""
        targets: dict[Session, str] = {}
        names: dict[Session, NtlmNames] = {}
        for connection, facts in self._kept[ObservedSession]:
            key = connection.number, facts.session
            if facts.target is not None:
                targets.setdefault(key, facts.target)
            if facts.names is not None:
                names[key] = facts.names
        return [self._named(each, targets, names) for each in self._kept[ObservedAuthentication]]

    def _named(
        self, observed: ObservedAuthentication, targets: dict[Session, str], names: dict[Session, NtlmNames]
    ) -> ObservedAuthentication:
        said = observed.authentication
        key = observed.connection.number, said.session
        target, ntlm = said.target or targets.get(key), said.ntlm or names.get(key)
        if target == said.target and ntlm == said.ntlm:
            return observed
        return observed._replace(authentication=said._replace(target=target, ntlm=ntlm))
