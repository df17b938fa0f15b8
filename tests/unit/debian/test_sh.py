from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from cog_backends.oci.debian.commands import PROGRAMS
from cog_backends.oci.debian.sh.parse import parse
from cog_backends.oci.debian.sh.run import Shell, Streams
from cog_backends.oci.debian.sh.syntax import Unreadable
from tests.unit.debian.kit import program, small_debian

if TYPE_CHECKING:
    from cog_backends.oci.debian.tree import Tree


def _run(text: str, *arguments: str, tree: Tree | None = None) -> tuple[int, str]:
    streams = Streams()
    shell = Shell(tree=tree or small_debian(), programs=PROGRAMS, arguments=list(arguments))
    return shell.run(text, streams), "".join(streams.written)


SAME_AS_A_REAL_SHELL = [
    'a=1; b="$a x"; echo $b "$b" ${c:-none} ${a:+set} ${#b}',
    "for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done",
    'f() { local x=2; echo "$1$x" >&2; return 3; }; x=1; f a || echo "$? $x"',
    'case "ab.c" in *.d|x) echo no;; a[bc].?) echo yes;; *) echo other;; esac',
    'set -- a "b c" d; shift; echo $# "$@" "$*"; for x; do echo "$x"; done',
    "cat <<EOF\nvalue $((2 * 3 + 1)) `echo back`\n$(echo deep $(echo deeper))\nEOF",
    "cat <<-'EOF'\n\ttabs $gone\n\tEOF\n",
    'p=/usr/lib/x.so.1; echo "${p##*/}" "${p%/*}" "${p%%.*}" "${p#/usr}"',
    "if false; then echo a; elif ! true; then echo b; else echo c; fi",
    "set -e; false || true; if false; then :; fi; (exit 3) || echo $?; false; echo never",
    "i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i; until true; do :; done",
    'printf "%s-%s\\n" a b c d; printf "%d%%\\n" 5',
    "echo 'a b  c' | { read x y; echo \"$y|$x\"; }",
    "x=$(echo one; exit 4); echo $? $x; (x=2; echo $x); echo $x",
    "echo Hello | tr '[:upper:]' '[:lower:]' | sed -e 's/l\\(l\\)/<\\1>/' | cut -d o -f 1",
    "printf 'b\\na\\nb\\n' | sort -u | head -1; echo abc | grep -q b && echo found",
    '[ -n "$x" ] || [ 1 -gt 0 -a a != b ] && echo both; test ! -e /nowhere && echo not',
    "IFS=:; for d in a:b:c; do echo $d; done; l=a:b; for d in $l; do echo $d; done",
    "basename /a/b.c .c; dirname /a/b/; dirname x; echo \"a\\\\b\" 'c\\d'",
]


@pytest.mark.skipif(not shutil.which("dash"), reason="dash is not installed")
@pytest.mark.parametrize("text", SAME_AS_A_REAL_SHELL)
def test_scripts_print_what_a_real_shell_prints(text: str) -> None:
    real = subprocess.run(["dash", "-c", text], capture_output=True, text=True, check=False)

    status, printed = _run(text)

    assert (status, printed) == (real.returncode, real.stdout)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo before\nwget http://x", "runs wget"),
        ("f() { f; }; f", "deeply"),
        ("while true; do :; done", "does not end"),
        ("[[ a == b ]]", "runs [["),
        ("function f { :; }", "not of the POSIX shell"),
        ("echo 'open", "a quote that does not end"),
        ("echo $$", "uses $$"),
        ("chmod", "in a way that is not understood"),
        ("cp --reflink a b", "uses the option --reflink"),
        ("cat /missing", "is no file"),
    ],
)
def test_what_is_not_understood_is_named(text: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        _run(text)

    assert reason in caught.value.reason


def test_no_script_reaches_the_machine() -> None:
    status, _ = _run("[ -e /proc/self ] || [ -e /etc/hostname ]")

    assert status == 1


def test_the_line_of_a_failure_is_known() -> None:
    with pytest.raises(Unreadable) as caught:
        _run("true\n\nif true; then\n  wget x\nfi\n")

    assert caught.value.line == 4


def test_files_are_made_changed_and_removed_in_the_tree() -> None:
    tree = small_debian()
    _run(
        "umask 027; mkdir -p /a/b; echo text > /a/b/f; echo more >> /a/b/f; cp -p /a/b/f /a/g; mv /a/b/f /a/b/h\n"
        "ln -s ../g /a/b/l; chown root:mail /a/g; chmod u=rwx,g+s,o-rwx /a/g; rm -f /a/b/h /a/none; touch /a/t\n"
        "mkdir /a/c; rmdir /a/c; install -d -m 1777 /a/d",
        tree=tree,
    )

    assert tree.names("a") == ("b", "d", "g", "t")
    assert tree.read("/a/b/l") == b"text\nmore\n"
    found = tree.get("a/g")
    assert found is not None
    assert (found.mode, found.uid, found.gid) == (0o2740, 0, 8)
    folder = tree.get("a/d")
    assert folder is not None
    assert folder.mode == 0o1777


def test_patterns_match_the_names_in_the_tree() -> None:
    tree = small_debian(program("usr/bin/x1"), program("usr/bin/x2"), program("usr/bin/.x3"))

    assert _run("echo /bin/x* /bin/[!x]* '/bin/x*'; command -v x1; which nothing || echo none", tree=tree) == (
        0,
        "/bin/x1 /bin/x2 /bin/[!x]* /bin/x*\n/usr/bin/x1\nnone\n",
    )


def test_a_script_is_read_as_far_as_its_end() -> None:
    assert parse("") == ()
    assert len(parse("a\nb; c\n")) == 3
