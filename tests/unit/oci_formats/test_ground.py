"""What a layer is laid over, by itself; the embedded backend's tests show it in images."""

from __future__ import annotations

from cog_oci.entries import Entry, Kind
from cog_oci.ground import Ground
from tests.unit.oci_formats.kit import file, folder, hardlink

GROUND = Ground({"tmp": (0o1777, 0, 0), "srv/a": (0o700, 1, 2)}, {"bin": "usr/bin", "here": "srv/a", "up": ""})


def under(*entries: Entry, target: str = "") -> dict[str, int]:
    return {entry.path: entry.mode for entry in GROUND.under(entries, mtime=7, target=target)}


def test_only_parents_that_are_special_are_brought() -> None:
    assert under(file("tmp/x/y")) == {"tmp/x/y": 0o644, "tmp": 0o1777}
    assert under(file("opt/x")) == {"opt/x": 0o644}
    assert under(file("srv/x")) == {"srv/x": 0o644}
    assert under(folder("tmp", 0o700), file("tmp/x")) == {"tmp": 0o700, "tmp/x": 0o644}


def test_a_target_that_is_there_stays_and_others_are_made() -> None:
    assert under(folder("tmp"), file("tmp/x"), target="tmp") == {"tmp": 0o1777, "tmp/x": 0o644}
    assert under(folder("here"), target="here") == {"srv/a": 0o700}
    assert under(folder("new"), target="new") == {"new": 0o755}
    assert under(file("tmp"), target="tmp") == {"tmp": 0o644}


def test_what_lies_behind_a_link_goes_to_where_it_leads() -> None:
    assert under(file("bin/x"), hardlink("bin/y", "bin/x")) == {"usr/bin/x": 0o644, "usr/bin/y": 0o644}
    assert under(file("here/x")) == {"srv/a/x": 0o644, "srv/a": 0o700}
    assert under(file("up/x")) == {"x": 0o644}
    assert GROUND.under([hardlink("bin/y", "bin/x")], mtime=7)[0].target == "usr/bin/x"
    assert Ground(links={"a": "x", "x/b": "y"}).under([file("a/b/c")], mtime=7)[0].path == "y/c"
    assert under(folder("bin"), file("bin/x")) == {"bin": 0o755, "bin/x": 0o644}


def test_ground_follows_what_layers_make_of_folders() -> None:
    changed = GROUND.changed([folder("tmp"), folder("new", 0o711), folder("plain"), file("x")])
    after = GROUND.after(changed)

    assert changed == {"tmp": (0o755, 0, 0), "new": (0o711, 0, 0)}
    assert after.folders == {"srv/a": (0o700, 1, 2), "new": (0o711, 0, 0)}
    assert after.links == GROUND.links


def test_a_layer_s_key_knows_what_is_near_it() -> None:
    assert GROUND.around("/srv/a/b") == ("srv/a: 700 1 2",)
    assert GROUND.around("/srv") == ("srv/a: 700 1 2",)
    assert GROUND.around("/usr", "/tmpx") == ()


def test_plain_ground_costs_nothing() -> None:
    entries = (file("tmp/x"), Entry(path="tmp", kind=Kind.FOLDER))

    assert Ground().under(entries, mtime=7) == entries
