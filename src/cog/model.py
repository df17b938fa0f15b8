"""``BaseModel``: structured outputs as dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform() -> Any:
        """Stand in for the type checker's decorator, which exists from Python 3.11 on."""
        return lambda decorated: decorated


@dataclass_transform()
class BaseModel:
    """Subclasses become dataclasses by themselves: ``class Output(cog.BaseModel): text: str; score: float = 0``.

    Class arguments: ``auto_dataclass=False`` leaves a subclass alone; all others go to ``dataclass``.
    """

    def __init_subclass__(cls, *, auto_dataclass: bool = True, init: bool = True, **options: Any) -> None:
        super().__init_subclass__()
        if cls.__bases__[0] is not BaseModel and not issubclass(cls.__bases__[0], BaseModel):
            raise TypeError(f'Primary base class of "{cls.__name__}" must inherit from BaseModel')
        if not auto_dataclass:
            if options or not init:
                raise ValueError("dataclass arguments need auto_dataclass=True")
            return
        for base in cls.__bases__[1:]:
            if is_dataclass(base) and not issubclass(base, BaseModel):
                raise TypeError(f'Cannot mixin dataclass "{base.__name__}" while inheriting from `BaseModel`')
        dataclass(init=init, **options)(cls)
