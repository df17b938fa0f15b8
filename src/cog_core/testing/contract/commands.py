"""Checks of the step ``Run`` and of its mounts."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cog_core.ir import BindMount, CacheMount, Capability, Copy, Run, SecretMount, SshMount, Write
from cog_core.ir.steps import WEIGHTS
from cog_core.testing.contract import ssh_agent
from cog_core.values import Secret

if TYPE_CHECKING:
    from cog_core.testing.contract.kit import Kit

_SCRIPT = """\
# a comment first
set -eu
mkdir -p /kit
for word in one "two words" 'three $HOME'; do
    printf '%s\\n' "$word" >> /kit/words
done
cat > /kit/heredoc <<'EOF'
  kept $HOME \\n
EOF
printf '%s' "it's \\"quoted\\"" > /kit/quotes
"""
_ASKING = """\
mkdir /kit
test -S "$SSH_AUTH_SOCK"
if command -v ssh-add; then ssh-add -l > /kit/keys; fi
"""
_NO_AGENT = """\
test -z "$SSH_AUTH_SOCK"
"""


class RunChecks:
    """Commands do what a shell would do, and see what they may see."""

    def test_a_command_changes_the_image(self, kit: Kit) -> None:
        """It sees what earlier steps made."""
        built = kit.build(Write(path="/kit/in", content="text"), Run(script="cat /kit/in /kit/in > /kit/out"))

        assert built.read("out") == b"texttext"

    def test_a_script_is_run_as_the_shell_reads_it(self, kit: Kit) -> None:
        """Several lines, comments, quotes, dollars, here-documents; nobody else interprets any of it."""
        built = kit.build(Run(script=_SCRIPT))

        assert built.contents() == {
            "words": b"one\ntwo words\nthree $HOME\n",
            "heredoc": b"  kept $HOME \\n\n",
            "quotes": b'it\'s "quoted"',
        }

    def test_a_command_on_one_line_keeps_its_characters(self, kit: Kit) -> None:
        """Backslashes, dollars, quotes, and an end that a Dockerfile would take for a continuation."""
        script = "mkdir /kit; x='a\\b \"c\" $d'; printf '%s' \"$x\" > /kit/a; printf %s # \\"

        assert kit.build(Run(script=script)).read("a") == b'a\\b "c" $d'

    def test_what_a_command_deletes_is_gone(self, kit: Kit) -> None:
        """From the image as containers see it; the layer below is not rewritten."""
        built = kit.build(
            Write(path="/kit/gone", content="x"), Write(path="/kit/kept", content="y"), Run(script="rm /kit/gone")
        )

        assert built.contents() == {"kept": b"y"}

    def test_what_a_command_prints_is_heard(self, kit: Kit) -> None:
        """Standard output and standard error, line by line."""
        built = kit.build(Run(script="echo 'first line'; echo 'second line' >&2; echo ünï"), no_cache=True)

        assert {"first line", "second line", "ünï"} <= set(built.output.splitlines())

    def test_a_secret_is_readable_in_its_command_only(self, kit: Kit) -> None:
        """At its path, byte for byte; a later command does not see it."""
        secret = b"line one\nit's $HOME \\ \xff\n"

        built = kit.build(
            Run(
                script="mkdir /kit && sha256sum < /run/secrets/token > /kit/seen",
                mounts=(SecretMount(id="token", target="/run/secrets/token"),),
            ),
            Run(script="test ! -s /run/secrets/token"),
            secrets={"token": Secret(value=secret)},
            no_cache=True,
        )

        assert built.read("seen").split()[0].decode() == _sha256(secret)

    def test_an_optional_secret_may_be_missing(self, kit: Kit) -> None:
        """The command runs without it."""
        kit.needs(Capability.RUN, Capability.SECRET_MOUNT)
        mount = SecretMount(id="nobody-has-it", target="/run/secrets/token", required=False)

        built = kit.build(Run(script="mkdir /kit; test -s /run/secrets/token || echo none > /kit/a", mounts=(mount,)))

        assert built.read("a") == b"none\n"

    def test_an_ssh_agent_answers_in_its_command_only(self, kit: Kit) -> None:
        """Its socket is there; where the base has ``ssh-add``, that lists its key. A later command has no agent."""
        kit.needs(Capability.RUN, Capability.SSH_MOUNT)

        with ssh_agent.serve() as socket:
            built = kit.build(
                Run(script=_ASKING, mounts=(SshMount(),)),
                Run(script=_NO_AGENT),
                ssh={"default": socket},
                no_cache=True,
            )

        assert all(ssh_agent.COMMENT.encode() in listed for listed in built.contents().values())
        assert "SSH_AUTH_SOCK" not in built.environment
        assert built.places_of(str(socket).encode()) == []

    def test_a_bind_mount_shows_a_part_of_a_context(self, kit: Kit) -> None:
        """Of the project and of another context; nothing of it stays in the image."""
        kit.put("scripts/install.sh", "echo from the project")
        (kit.weights / "large").write_bytes(b"from the weights")

        built = kit.build(
            Run(
                script="mkdir /kit; sh /mnt/scripts/install.sh > /kit/a; cat /mnt/large > /kit/b",
                mounts=(
                    BindMount(context="project", source="scripts", target="/mnt/scripts"),
                    BindMount(context=WEIGHTS, source="large", target="/mnt/large"),
                ),
            )
        )

        assert built.contents() == {"a": b"from the project\n", "b": b"from the weights"}
        assert not built.places_of(b"echo from the project")

    def test_a_cache_lives_from_command_to_command(self, kit: Kit) -> None:
        """And from build to build, and is no part of the image."""
        kit.needs(Capability.RUN, Capability.CACHE_MOUNT)
        cache = (CacheMount(id=kit.tag, target="/kit/cache"),)

        first = kit.build(
            Run(script="echo one >> /kit/cache/notes", mounts=cache),
            Run(script="cat /kit/cache/notes > /kit/seen", mounts=cache),
        )
        second = kit.build(Run(script="echo two >> /kit/cache/notes; cat /kit/cache/notes > /kit/seen", mounts=cache))

        assert (first.read("seen"), second.read("seen")) == (b"one\n", b"one\ntwo\n")
        assert sorted(second.contents()) == ["seen"]

    def test_a_command_sees_copied_files(self, kit: Kit) -> None:
        """With their modes: a program can be started."""
        kit.put("program", "#!/bin/sh\necho started > /kit/a\n", mode=0o755)

        built = kit.build(Copy(source="program", target="/kit/program"), Run(script="/kit/program"))

        assert built.read("a") == b"started\n"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
