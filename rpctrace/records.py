"""`@dataclass(frozen=True, slots=True)` that costs little when a file is loaded: the project has nearly a hundred.

The standard decorator compiles six methods for each class, half a millisecond a class, before a command has done
anything. Here all classes share five of them, and the constructor is compiled when a class is first called. The rest
is that of the standard one: `fields`, `replace`, `is_dataclass`, patterns, pickles, `FrozenInstanceError`. A class of
this kind has bases of this kind only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses
    from operator import attrgetter

    def dataclass(*, frozen, slots):
        """The standard decorator with both of these True, and with nothing else."""
        assert frozen
        assert slots
        return _record

    def _record(cls):
        cls.__doc__ = cls.__doc__ or cls.__name__  # else the standard decorator derives one from the signature
        own = set(cls.__dict__)
        cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
        cls.__init__ = _constructor_on_demand(cls)
        compared = [field.name for field in dataclasses.fields(cls) if field.compare]
        for name, method in (_SHARED | _comparing(attrgetter(*compared) if compared else type)).items():
            if name not in own:
                setattr(cls, name, method)
        return cls

    def _constructor_on_demand(cls):
        def __init__(self, /, *values, **named):
            constructor = cls.__init__ = _constructor(cls)
            constructor(self, *values, **named)

        return __init__

    def _constructor(cls):
        """The constructor that the standard decorator makes of these fields."""
        fields = [(field.name, field.type, field) for field in dataclasses.fields(cls)]
        namespace = {"__doc__": cls.__doc__, "__qualname__": cls.__qualname__}
        return dataclasses.make_dataclass(
            cls.__name__, fields, namespace=namespace, frozen=True, repr=False, eq=False, match_args=False
        ).__init__

    def _comparing(compared):
        def __eq__(self, other):
            return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):
            return hash(compared(self))

        return {"__eq__": __eq__, "__hash__": __hash__}

    def _shown(self):
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
        return f"{self.__class__.__qualname__}({', '.join(shown)})"

    def _refuse_assignment(_self, name, _value):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_deletion(_self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(self):
        return [getattr(self, field.name) for field in dataclasses.fields(self)]

    def _restore(self, state):
        for field, value in zip(dataclasses.fields(self), state, strict=True):
            object.__setattr__(self, field.name, value)

    _SHARED = {
        "__repr__": _shown,
        "__setattr__": _refuse_assignment,
        "__delattr__": _refuse_deletion,
        "__getstate__": _state,
        "__setstate__": _restore,
    }
