"""Checks of order, caching and reproducibility."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import attrs

from cog_core.ir import Capability, Copy, Env, ImageConfig, Run, Workdir, Write

if TYPE_CHECKING:
    from cog_core.ir import Step
    from cog_core.testing.contract.kit import Kit

_RANDOM = "mkdir -p /kit; cat /proc/sys/kernel/random/uuid > /kit/id"
_LATER = 1_700_000_000


class LayerChecks:
    """The same plan gives the same image; a changed one changes as little as it can."""

    def test_an_unchanged_plan_gives_the_same_layers(self, kit: Kit) -> None:
        """Twice on one machine."""
        kit.put("file", "content")
        steps = (Copy(target="/kit/src"), Env(variables=(("A", "b"),)), Write(path="/kit/a", content="a"))

        assert kit.build(*steps).diff_ids == kit.build(*steps).diff_ids

    def test_an_unchanged_command_is_not_run_again(self, kit: Kit) -> None:
        """Its layer comes from the cache, and an event says so."""
        first = kit.build(Run(script=_RANDOM))
        second = kit.build(Run(script=_RANDOM))

        assert first.read("id") == second.read("id")
        assert any(getattr(event, "cached", False) for event in second.events)

    def test_no_cache_runs_every_command_again(self, kit: Kit) -> None:
        """Although nothing changed."""
        first = kit.build(Run(script=_RANDOM))
        second = kit.build(Run(script=_RANDOM), no_cache=True)

        assert first.read("id") != second.read("id")

    def test_a_changed_last_step_keeps_the_layers_below(self, kit: Kit) -> None:
        """That is what makes a second build quick, and a second push small."""
        kit.put("lower", "lower")
        lower: tuple[Step, ...] = (Copy(source="lower", target="/kit/lower"), Workdir(path="/kit/work"))

        first = kit.build(*lower, Write(path="/kit/upper", content="one"))
        second = kit.build(*lower, Write(path="/kit/upper", content="two"))

        assert first.diff_ids[:-1] == second.diff_ids[:-1]
        assert first.diff_ids[-1] != second.diff_ids[-1]
        assert second.contents() == {"lower": b"lower", "upper": b"two"}

    def test_a_changed_file_is_noticed(self, kit: Kit) -> None:
        """Also when its size stays the same."""
        kit.put("file", "old!")
        kit.build(Copy(source="file", target="/kit/file"))
        kit.put("file", "new!")

        assert kit.build(Copy(source="file", target="/kit/file")).read("file") == b"new!"

    def test_a_changed_mode_is_noticed(self, kit: Kit) -> None:
        """A file that became a program is one in the image."""
        kit.put("file", "#!/bin/sh\n")
        kit.build(Copy(source="file", target="/kit/file"))
        kit.put("file", "#!/bin/sh\n", mode=0o755)

        assert kit.build(Copy(source="file", target="/kit/file")).node("file").mode == 0o755

    def test_a_changed_label_changes_no_layer(self, kit: Kit) -> None:
        """Configuration is on top of everything."""
        steps = (Write(path="/kit/a", content="a"),)

        first = kit.build(*steps, config=ImageConfig(labels=(("com.example.a", "1"),)))
        second = kit.build(*steps, config=ImageConfig(labels=(("com.example.a", "2"),)))

        assert first.diff_ids == second.diff_ids
        assert first.info.image_id != second.info.image_id

    def test_equal_plans_give_equal_files(self, kit: Kit) -> None:
        """Without any cache: kinds, modes, owners, links and contents; times may differ."""
        kit.put("src/program", "#!/bin/sh\n", mode=0o755)
        (kit.project / "src" / "link").symlink_to("program")
        steps = (Copy(target="/kit"), Write(path="/kit/a", content="a"), Workdir(path="/kit/work"))

        assert kit.build(*steps).facts() == kit.build(*steps, no_cache=True).facts()

    def test_equal_plans_give_equal_digests(self, kit: Kit) -> None:
        """Where the backend says that it is reproducible; whatever the times of the files on this machine are."""
        kit.needs(Capability.REPRODUCIBLE)
        path = kit.put("src/file", "content")
        steps = (Copy(target="/kit"), Write(path="/kit/a", content="a"), Workdir(path="/kit/work"))
        first = kit.build(*steps)
        os.utime(path, (_LATER, _LATER))

        second = kit.build(*steps, no_cache=True)

        assert str(first.image.descriptor.digest) == str(second.image.descriptor.digest)

    def test_the_plan_s_time_is_the_image_s(self, kit: Kit) -> None:
        """Where the backend says that it is reproducible: ``SOURCE_DATE_EPOCH`` is in ``plan.created``.

        Layers of another time, which a cache may hold, are not the image's.
        """
        kit.needs(Capability.REPRODUCIBLE)
        kit.put("file", "content")
        plan = kit.plan(Copy(target="/kit/src"), Write(path="/kit/a", content="a"), Workdir(path="/kit/work"))
        kit.build_plan(plan)

        built = kit.build_plan(attrs.evolve(plan, created=_LATER))

        assert built.image.config["created"] == "2023-11-14T22:13:20Z"
        assert {node.mtime for node in built.nodes().values()} == {_LATER}
