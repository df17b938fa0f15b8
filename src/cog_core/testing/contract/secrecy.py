"""Checks that secrets are nowhere but in the command that needs them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import pytest

from cog_core.errors import BuildFailed
from cog_core.ir import Run, SecretMount
from cog_core.values import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cog_core.events import Event
    from cog_core.testing.contract.kit import Kit

_SECRET = b"s3cr3t-b1c9f2d0-dont-tell"
_MOUNT = SecretMount(id="token", target="/run/secrets/token")
_UNSAID: Final = pytest.mark.usefixtures("_nothing_says_the_secret")


class SecrecyChecks:
    """A secret is searched for byte by byte wherever it could have ended."""

    @pytest.fixture
    def _nothing_says_the_secret(
        self, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> Iterator[None]:
        """Search what this process and the backend's programs printed, and what was logged on any level."""
        caplog.set_level(logging.NOTSET)
        yield
        logged = map(logging.Formatter().format, caplog.get_records("call"))
        said = {"printed": "".join(capfd.readouterr()), "logged": "\n".join(logged)}
        assert [how for how, text in said.items() if _SECRET.decode() in text] == []

    @_UNSAID
    def test_a_secret_is_nowhere_in_the_image(self, kit: Kit) -> None:
        """Not in a layer, the configuration, the history, a label, the manifest, the answer, or an event."""
        script = 'mkdir /kit && test "$(cat /run/secrets/token)" && cp /run/secrets/token /tmp/t && rm /tmp/t'

        built = kit.build(
            Run(script=script, mounts=(_MOUNT,)), secrets={"token": Secret(value=_SECRET)}, no_cache=True
        )

        assert built.places_of(_SECRET) == []

    @_UNSAID
    def test_a_secret_from_a_file_is_nowhere_in_the_image(self, kit: Kit) -> None:
        """Nor is the name of the file."""
        path = kit.folder / "the-file-of-the-secret"
        path.write_bytes(_SECRET)
        built = kit.build(
            Run(script="cat /run/secrets/token > /dev/null", mounts=(_MOUNT,)), secrets={"token": Secret(path=path)}
        )

        assert built.places_of(_SECRET) == []
        assert built.places_of(path.name.encode()) == []

    @_UNSAID
    def test_a_secret_that_a_command_prints_is_not_heard(self, kit: Kit) -> None:
        """Events hold what steps print, without secrets."""
        heard: list[Event] = []

        kit.build(
            Run(script="echo before; cat /run/secrets/token; echo; echo after", mounts=(_MOUNT,)),
            secrets={"token": Secret(value=_SECRET)},
            emit=heard.append,
            no_cache=True,
        )

        assert "after" in repr(heard)
        assert _SECRET.decode() not in repr(heard)

    @_UNSAID
    def test_a_secret_is_not_in_the_error_of_a_failed_command(self, kit: Kit) -> None:
        """Neither in the message nor in the output that comes with it."""
        with pytest.raises(BuildFailed) as caught:
            kit.build(
                Run(script="cat /run/secrets/token; echo; exit 4", mounts=(_MOUNT,)),
                secrets={"token": Secret(value=_SECRET)},
            )

        error = caught.value
        assert _SECRET.decode() not in repr((error.message, error.hint, error.output))

    @_UNSAID
    def test_a_secret_leaves_no_file_behind(self, kit: Kit) -> None:
        """Whatever carried it to the engine is gone after the build."""
        before = kit.leftovers()

        kit.build(Run(script="true", mounts=(_MOUNT,)), secrets={"token": Secret(value=_SECRET)}, no_cache=True)

        assert kit.left_since(before) == set()
