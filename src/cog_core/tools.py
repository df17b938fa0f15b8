"""What the library's verbs reach the world by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from cog_core.plugins import Plugins
    from cog_core.process import Runner
    from cog_core.settings import Settings


@attrs.frozen(kw_only=True)
class Tools(Frozen):
    """Doors to the world: settings, plugins, and how programs are started."""

    settings: Settings
    plugins: Plugins
    run: Runner
