"""What every backend promises, as checks that run against a real engine; see ``docs/how-to/test-a-backend.md``.

A subclass gives one fixture::

    from cog_core.testing import BackendContract, Subject

    class TestMine(BackendContract):
        @pytest.fixture
        def subject(self):
            return Subject(info=INFO, base=ImageBase(reference="busybox"))

Each check builds a small plan and looks at the OCI layout that comes out. One whose plan needs a capability that the
backend does not have here skips itself and says which. All files that checks make lie below ``/kit`` in the image.
"""

from __future__ import annotations

from typing import Final

from cog_core.testing.contract.built import Built
from cog_core.testing.contract.commands import RunChecks
from cog_core.testing.contract.configuration import ConfigurationChecks
from cog_core.testing.contract.context import ContextChecks
from cog_core.testing.contract.copies import CopyChecks
from cog_core.testing.contract.endings import EndingChecks
from cog_core.testing.contract.environment import EnvironmentChecks
from cog_core.testing.contract.fixtures import ContractFixtures
from cog_core.testing.contract.kit import Kit
from cog_core.testing.contract.layers import LayerChecks
from cog_core.testing.contract.meanings import MeaningChecks
from cog_core.testing.contract.outputs import OutputChecks
from cog_core.testing.contract.promises import PromiseChecks
from cog_core.testing.contract.secrecy import SecrecyChecks
from cog_core.testing.contract.space import SpaceChecks
from cog_core.testing.contract.subject import Subject
from cog_core.testing.contract.writes import WriteChecks

__all__ = ["VERSION", "BackendContract", "Built", "Kit", "Subject"]

VERSION: Final = "1.5"
"""Version of the contract: the second number grows when checks find more, the first when a promise changes."""


class BackendContract(
    PromiseChecks,
    CopyChecks,
    ContextChecks,
    WriteChecks,
    EnvironmentChecks,
    ConfigurationChecks,
    RunChecks,
    SecrecyChecks,
    LayerChecks,
    MeaningChecks,
    OutputChecks,
    EndingChecks,
    SpaceChecks,
    ContractFixtures,
):
    """All checks; a subclass whose name starts with ``Test`` and that has the fixture ``subject`` runs them."""
