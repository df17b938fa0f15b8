"""Checks of the steps ``Env``, ``Workdir`` and ``User``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cog_core.ir import Env, Run, User, Workdir, Write
from cog_oci.archive_reader import MemberKind

if TYPE_CHECKING:
    from cog_core.testing.contract.kit import Kit

VALUES: Final = {
    "PLAIN": "plain",
    "EMPTY": "",
    "SPACES": "  two  spaces, and at the end  ",
    "QUOTES": 'it\'s "quoted" `here`',
    "DOLLARS": "$HOME ${PATH} $$ $(date)",
    "BACKSLASHES": "\\ \\\\ \\n \\",
    "EQUALS": "a=b=c",
    "HASH": "# no comment",
    "UNICODE": "ünïcödé 日本語",
    "TAB": "a\tb",
    "LONG": "0123456789" * 700,
}
"""Values that come out changed when a shell or a Dockerfile reads them."""

_NOBODY = "65534"


class EnvironmentChecks:
    """The environment, the working directory and the user: in the image, and for later steps."""

    def test_variables_are_exact_in_the_image(self, kit: Kit) -> None:
        """Nothing is expanded, quoted or trimmed."""
        built = kit.build(Env(variables=tuple(VALUES.items())))

        assert {name: built.environment.get(name) for name in VALUES} == VALUES

    def test_variables_of_the_base_stay(self, kit: Kit) -> None:
        """A step adds variables and changes those that it names; ``PATH`` of the base is still there."""
        built = kit.build(
            Env(variables=(("FIRST", "1"), ("CHANGED", "old"))), Env(variables=(("CHANGED", "new"), ("LAST", "2")))
        )

        assert built.environment["PATH"]
        assert [built.environment[name] for name in ("FIRST", "CHANGED", "LAST")] == ["1", "new", "2"]

    def test_later_commands_see_variables_as_they_are(self, kit: Kit) -> None:
        """The shell of a command gets the exact values too."""
        script = "mkdir /kit && " + " && ".join(f'printf %s "${name}" > /kit/{name}' for name in VALUES)

        built = kit.build(Env(variables=tuple(VALUES.items())), Run(script=script))

        assert built.contents() == {name: value.encode() for name, value in VALUES.items()}

    def test_a_working_directory_is_made_and_recorded(self, kit: Kit) -> None:
        """It belongs to root, everybody may enter it, and containers start in the last one."""
        built = kit.build(Workdir(path="/kit/first"), Workdir(path="/kit/second/deeper"))

        assert built.config["WorkingDir"] == "/kit/second/deeper"
        found = {name: (node.kind, node.mode, node.uid, node.gid) for name, node in built.nodes().items()}
        assert found == dict.fromkeys(("first", "second", "second/deeper"), (MemberKind.FOLDER, 0o755, 0, 0))

    def test_a_working_directory_may_have_an_odd_name(self, kit: Kit) -> None:
        """Spaces, dollars and quotes are letters like others."""
        path = "/kit/two words/$HOME/it's"

        built = kit.build(Workdir(path=path))

        assert built.config["WorkingDir"] == path
        assert path.strip("/") in built.tree

    def test_a_working_directory_that_is_there_keeps_its_content(self, kit: Kit) -> None:
        """The step makes a folder only if there is none."""
        built = kit.build(Write(path="/kit/here/file", content="kept"), Workdir(path="/kit/here"))

        assert built.contents() == {"here/file": b"kept"}

    def test_commands_run_in_the_working_directory(self, kit: Kit) -> None:
        """The one that is set by then."""
        built = kit.build(Workdir(path="/kit/a"), Run(script="pwd > where"), Workdir(path="/kit/b"))

        assert built.contents() == {"a/where": b"/kit/a\n"}

    def test_commands_and_the_image_run_as_the_user(self, kit: Kit) -> None:
        """From its step on; files that a command makes are the user's, those of ``Write`` stay root's."""
        built = kit.build(
            Run(script="mkdir -p /kit/open && chmod 777 /kit/open && id -u > /kit/before"),
            User(name=_NOBODY),
            Run(script="id -u > /kit/open/after"),
            Write(path="/kit/written", content="x\n"),
        )

        assert (built.read("before"), built.read("open/after")) == (b"0\n", b"65534\n")
        assert (built.node("open/after").uid, built.node("written").uid) == (65534, 0)
        assert built.config["User"] == _NOBODY
