"""Base classes of models. Plain classes and functions work without them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from cog._defaults import fill_defaults
from cog._scope import current_scope

if TYPE_CHECKING:
    from cog._scope import Scope

_ENTRIES = ("run", "predict", "train")


class BaseRunner:
    """A model: ``setup`` once, then ``run`` for every request.

    In a subclass, defaults written as ``Input(default=...)`` become plain defaults, so that the method can be
    called as any Python method; what ``Input`` said stays in ``__cog_fields__`` of the method.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _ENTRIES:
            if name in vars(cls):
                fill_defaults(vars(cls)[name])

    def setup(self, weights: Any = None) -> Any:
        """Load what every prediction needs. May be async, and may take ``weights``."""

    def run(self, **inputs: Any) -> Any:
        """Answer one request; every model writes its own."""
        raise NotImplementedError(f"{type(self).__name__} must define run()")

    def predict(self, **inputs: Any) -> Any:
        """Call :meth:`run`: the older name of the same thing."""
        warnings.warn(
            f"{type(self).__name__}.predict() is deprecated; use run() instead", DeprecationWarning, stacklevel=2
        )
        return self.run(**inputs)

    @property
    def scope(self) -> Scope:
        """The prediction that is running: its metrics and its context."""
        return current_scope()

    def record_metric(self, key: str, value: Any, mode: str = "replace") -> None:
        """Record a metric of the running prediction; see :class:`cog.MetricRecorder`."""
        self.scope.record_metric(key, value, mode)


class BasePredictor(BaseRunner):
    """The name of :class:`BaseRunner` before ``run`` replaced ``predict``; models with it go on working."""
