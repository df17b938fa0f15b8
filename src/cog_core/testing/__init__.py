"""The public kit for tests of backends, plugins and whatever else talks to us; it needs ``cog-core[testing]``.

``BackendContract`` is imported when it is asked for: the contract needs pytest, the other parts do not.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cog_core.testing.contract import BackendContract, Subject

__all__ = ["BackendContract", "Subject"]


def __getattr__(name: str) -> Any:
    """Import the contract, so that its assertions explain themselves as those of a test module do."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - most who import this package want no contract

    import pytest  # noqa: PLC0415 - as above

    contract = f"{__name__}.contract"
    if contract not in sys.modules:  # somebody imported the kit by its own name; what is imported stays as it is
        pytest.register_assert_rewrite(contract)
    return getattr(importlib.import_module(contract), name)
