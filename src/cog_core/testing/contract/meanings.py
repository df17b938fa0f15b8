"""Checks of meaningful steps: taken as they are, or lowered to commands, they give the same."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING, Final

import pytest

from cog_core.errors import CogError
from cog_core.ir import Capability, Copy, PythonBase, PythonPackages, Runtime, SystemPackages, Weights
from cog_core.ir.lower import RUNTIME_FOLDER, STARTUP_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from cog_core.ir import Step
    from cog_core.testing.contract.kit import Kit

_WHEEL: Final = "kit_greeting-1.0-py3-none-any.whl"


class MeaningChecks:
    """Packages, weights and the runtime."""

    def test_weights_are_copied(self, kit: Kit) -> None:
        """Large files, from a context of their own, below their target."""
        for name in ("model.bin", "parts/one"):
            (kit.weights / name).parent.mkdir(exist_ok=True)
            (kit.weights / name).write_bytes(name.encode() * 1000)

        built = kit.build(Weights(target="/kit/src", paths=("model.bin", "parts/one")))

        assert built.contents("src") == {name: name.encode() * 1000 for name in ("model.bin", "parts/one")}

    def test_the_runtime_is_put_into_place(self, kit: Kit) -> None:
        """The bundle is at its folder, and its SDK can be imported by the base's Python."""
        if _python(kit) is None:
            pytest.skip("the subject's base names no Python")
        for name in ("sdk/cog/__init__.py", "server/__main__.py", "worker/main.py", STARTUP_FILE):
            (kit.runtime / name).parent.mkdir(parents=True, exist_ok=True)
            (kit.runtime / name).write_text(f"# {name}\n", "utf-8")

        tree = kit.build(Runtime(bundle="sha256:" + "0" * 64)).tree

        assert tree.read(f"{RUNTIME_FOLDER}/sdk/cog/__init__.py", 1000) == b"# sdk/cog/__init__.py\n"
        links = {path for path, node in tree.nodes.items() if node.target == f"{RUNTIME_FOLDER}/sdk/cog"}
        assert any(path.endswith("-packages/cog") for path in links)

    def test_python_packages_come_from_wheels(self, kit: Kit) -> None:
        """By their hashes, from a folder: of this machine, or of the image where a command installs them."""
        digest = _wheel(kit.project / "wheels")

        built = kit.build(*_installing(kit, digest))

        assert any(path.endswith("-packages/kit_greeting.py") for path in built.tree.nodes)

    def test_a_wheel_with_another_hash_is_refused(self, kit: Kit) -> None:
        """As the one before, with a lock that means other bytes."""
        _wheel(kit.project / "wheels")

        with pytest.raises(CogError) as caught:
            kit.build(*_installing(kit, "0" * 64))

        assert "greeting" in repr((caught.value.message, getattr(caught.value, "output", ())))

    def test_a_system_package_is_installed(self, kit: Kit) -> None:
        """One that the subject names, because it needs a network."""
        name = kit.subject.system_package
        if name is None:
            pytest.skip("the subject names no system package")

        built = kit.build(SystemPackages(names=(name,)))

        assert f"usr/share/doc/{name}" in built.tree or f"lib/apk/db/{name}" in built.tree


def _python(kit: Kit) -> object:
    base = kit.subject.base
    return base.version if isinstance(base, PythonBase) else base.python


def _installing(kit: Kit, digest: str) -> tuple[Step, ...]:
    """Return the steps that install the wheel below the project's ``wheels``, which no network is needed for."""
    locked = f"kit-greeting==1.0 --hash=sha256:{digest}"

    def from_folder(folder: Path | str) -> PythonPackages:
        return PythonPackages(locked=(locked,), index=("--no-index", f"--find-links {folder}"))

    if kit.has(Capability.PYTHON_PACKAGES):
        return (from_folder(kit.project / "wheels"),)
    if _python(kit) is None:
        pytest.skip("the subject's base names no Python")
    return (Copy(source="wheels", target="/kit/wheels"), from_folder("/kit/wheels"))


def _wheel(folder: Path) -> str:
    """Make a wheel of one module and return its SHA-256 (binary distribution format, PEP 427)."""
    folder.mkdir()
    info = "kit_greeting-1.0.dist-info"
    files = {
        "kit_greeting.py": "GREETING = 'hello'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: kit-greeting\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: kit\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / _WHEEL, "w") as wheel:
        for name, text in (*files.items(), (f"{info}/RECORD", record)):
            wheel.writestr(name, text)
    return hashlib.sha256((folder / _WHEEL).read_bytes()).hexdigest()
