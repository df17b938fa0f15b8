from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cog_backends.oci.debian.alternatives import Alternative
from cog_backends.oci.debian.by_hand import by_hand
from cog_backends.oci.debian.configure import add_packages
from cog_backends.oci.debian.database import installed
from cog_backends.oci.debian.ldcache import PATH
from cog_core.errors import UnsupportedPlan
from cog_oci.entries import Entry, Kind
from tests.unit.debian.kit import program, small_debian, unpacked

if TYPE_CHECKING:
    from cog_backends.oci.debian.tree import Tree

_ALTERNATIVES = """#!/bin/sh
set -e
for prog in a b; do
  update-alternatives --install /usr/bin/$prog $prog /usr/bin/$prog-%s %d --slave /usr/share/man/$prog.1 $prog.1 /none
done
"""


def _target(tree: Tree, path: str) -> str:
    entry = tree.get(path, follow=False)
    assert entry is not None
    return entry.target


def test_the_alternative_of_the_highest_priority_is_linked() -> None:
    tree = small_debian()
    first = unpacked("one", program("usr/bin/a-1"), program("usr/bin/b-1"), postinst=_ALTERNATIVES % ("1", 10))
    second = unpacked("two", program("usr/bin/a-2"), program("usr/bin/b-2"), postinst=_ALTERNATIVES % ("2", 20))

    add_packages(tree, [first, second], "amd64")

    assert _target(tree, "usr/bin/a") == "/etc/alternatives/a"
    assert tree.resolve("usr/bin/b") == "usr/bin/b-2"
    state = tree.read("var/lib/dpkg/alternatives/a").decode()
    assert state.startswith(
        "auto\n/usr/bin/a\na.1\n/usr/share/man/a.1\n\n/usr/bin/a-1\n10\n/none\n/usr/bin/a-2\n20\n"
    )
    assert Alternative.parse(state).text() == state


def test_packages_are_recorded_as_dpkg_records_them() -> None:
    tree = small_debian()
    one = unpacked(
        "one",
        Entry(path="etc/one.conf", content=b"x"),
        listed=["usr/share/man/man1/one.1.gz"],
        conffiles="/etc/one.conf\n",
        triggers="interest-noawait /usr/share/x\ninterest y\nactivate-noawait ldconfig\n",
    )

    add_packages(tree, [one], "amd64")

    status = tree.read("var/lib/dpkg/status").decode()
    assert status.startswith("Package: one\nStatus: install ok installed\n")
    assert "Conffiles:\n /etc/one.conf 9dd4e461268c8034f5c8564e155c67a6\n" in status
    assert list(installed(tree)) == ["one"]
    assert tree.read("var/lib/dpkg/info/one.list") == b"/.\n/etc/one.conf\n/usr/share/man/man1/one.1.gz\n"
    assert tree.read("var/lib/dpkg/triggers/File") == b"/usr/share/x one/noawait\n"
    assert tree.read("var/lib/dpkg/triggers/y") == b"one\n"
    assert tree.read("var/lib/dpkg/info/format") == b"1\n"


def test_all_scripts_that_are_not_understood_are_reported_at_once() -> None:
    packages = [
        unpacked("one", postinst="#!/bin/sh\nset -e\n\nstrange thing\n"),
        unpacked("two", preinst="#!/usr/bin/perl\nunlink;\n"),
        unpacked("three", postinst="#!/bin/sh -e\nfalse\n"),
    ]

    with pytest.raises(UnsupportedPlan) as caught:
        add_packages(small_debian(), packages, "amd64")

    assert caught.value.message.splitlines() == [
        "package two: its preinst is written for /usr/bin/perl",
        "package one: its postinst runs strange (line 4)",
        "package three: its postinst ends with status 1",
    ]
    assert "docker" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ('dpkg --compare-versions "" lt 1.0', True),
        ('dpkg --compare-versions "" lt-nl 1.0', False),
        ("dpkg --compare-versions 2 gt 1.9", True),
        ("dpkg -s one | grep -q '^Version: 1.0$'", True),
        ("dpkg -s other", False),
        ("dpkg -L one | grep -qx /usr/bin/one", True),
        ("[ $(dpkg --print-architecture) = amd64 ]", True),
        ("dpkg-query -W -f '${Status}' other", False),
        ("getent group mail", True),
        ("getent passwd nobody-like-that", False),
        ("dpkg-statoverride --list /usr/bin/one", False),
        ("systemctl daemon-reload && deb-systemd-helper unmask x", True),
    ],
)
def test_scripts_learn_about_packages_and_users(condition: str, *, holds: bool) -> None:
    one = unpacked("one", program("usr/bin/one"), postinst=f"#!/bin/sh\nif {condition}; then echo y > /yes; fi\n")
    tree = small_debian()

    add_packages(tree, [one], "amd64")

    assert (tree.get("yes") is not None) is holds


def test_questions_are_answered_with_their_defaults() -> None:
    script = '#!/bin/sh\nset -e\n. /usr/share/debconf/confmodule\ndb_get x/style\necho "$RET" > /answer\n'
    tree = small_debian()

    add_packages(tree, [unpacked("x", postinst=script, templates="Template: x/style\nDefault: slight\n")], "amd64")

    assert tree.read("answer") == b"slight\n"


def test_system_users_and_their_groups_are_added_once() -> None:
    script = "#!/bin/sh\nadduser --system --group --home /var/lib/x --no-create-home x\naddgroup --system y\n"
    tree = small_debian()

    add_packages(tree, [unpacked("x", postinst=script + script.partition("\n")[2])], "amd64")

    assert tree.read("etc/passwd").decode().splitlines()[1:] == ["x:x:100:100::/var/lib/x:/usr/sbin/nologin"]
    assert tree.read("etc/group").decode().splitlines()[2:] == ["x:x:100:", "y:x:101:"]


def test_a_diversion_is_written_down_and_one_that_moves_a_file_is_refused() -> None:
    tree = small_debian(program("usr/bin/x"))
    keep = "#!/bin/sh\ndpkg-divert --package one --no-rename --divert /bin/x.old --add /bin/y\n"

    add_packages(tree, [unpacked("one", preinst=keep)], "amd64")

    assert tree.read("var/lib/dpkg/diversions") == b"/bin/y\n/bin/x.old\none\n"
    with pytest.raises(UnsupportedPlan, match="diverts /usr/bin/x"):
        add_packages(tree, [unpacked("b", preinst="#!/bin/sh\ndpkg-divert --rename --add /usr/bin/x\n")], "amd64")
    with pytest.raises(UnsupportedPlan, match="another package diverts"):
        add_packages(tree, [unpacked("c", listed=["bin/y"])], "amd64")


def test_authorities_are_bundled_where_openssl_looks() -> None:
    tree = small_debian(
        Entry(path="usr/share/ca-certificates/mozilla/A.crt", content=b"-A-\n"),
        Entry(path="usr/share/ca-certificates/mozilla/B.crt", content=b"-B-"),
    )
    action = by_hand("ca-certificates")
    assert action is not None

    action(tree)

    assert tree.read("usr/lib/ssl/cert.pem") == b"-A-\n-B-\n"
    assert tree.read("etc/ssl/certs/A.pem") == b"-A-\n"
    assert tree.read("etc/ca-certificates.conf") == b"mozilla/A.crt\nmozilla/B.crt\n"


def test_the_loader_finds_libraries_in_the_order_of_its_search() -> None:
    library = b"\x7fELF\x02\x01" + bytes(12) + (62).to_bytes(2, "little")
    tree = small_debian(
        *(Entry(path=f"usr/lib/{name}", content=library) for name in ("liba.so.9", "liba.so.10", "libb.so.1.2")),
        Entry(path="usr/lib/libb.so.1", kind=Kind.SYMLINK, target="libb.so.1.2"),
        Entry(path="usr/lib/libtext.so", content=b"INPUT(libc.so.6) and more text"),
    )

    add_packages(tree, [], "amd64")

    cache = tree.read(PATH)
    assert cache.startswith(b"glibc-ld.so.cache1.1" + (3).to_bytes(4, "little"))
    assert cache[48 + 3 * 24 :] == b"/lib/libb.so.1\0/lib/liba.so.10\0/lib/liba.so.9\0"
