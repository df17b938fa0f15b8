"""Compares results with files that are kept in the repository."""

from __future__ import annotations

import difflib
import itertools
from pathlib import Path

import attrs
import pytest

ROOT = Path(__file__).parent.parent / "golden"
_OPTION = "--update-golden"
_SHOWN = 200
_ROW = 16


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(_OPTION, action="store_true", help="write golden files anew instead of comparing with them")


@attrs.frozen
class Golden:
    """The folder of golden files; call it with a path below it and the result to compare.

    Attributes:
        root: The folder.
        update: Write instead of compare.
    """

    root: Path
    update: bool

    def __call__(self, path: str, actual: str | bytes) -> None:
        """Compare a result with its golden file, byte by byte.

        Args:
            path: Path of the file, relative to ``tests/golden``.
            actual: The result; text is compared as UTF-8.
        """
        __tracebackhide__ = True
        file = self.root / path
        if not file.resolve().is_relative_to(self.root.resolve()):
            raise ValueError(f"not below {self.root}: {path}")
        data = actual.encode() if isinstance(actual, str) else actual
        if self.update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        elif not file.exists():
            pytest.fail(
                f"no golden file {path} yet; run this test with {_OPTION} and read what it wrote", pytrace=False
            )
        elif (expected := file.read_bytes()) != data:
            shown = "\n".join(itertools.islice(difference(expected, data, path), _SHOWN))
            pytest.fail(f"the result is not golden file {path} ({_OPTION} accepts it)\n{shown}", pytrace=False)


def difference(expected: bytes, actual: bytes, name: str) -> list[str]:
    """Return lines that show how two results differ: a diff of text, or the first rows that differ of bytes."""
    try:
        before, after = expected.decode().splitlines(), actual.decode().splitlines()
    except UnicodeDecodeError:
        return _bytes_difference(expected, actual)
    if before == after:
        return ["only the ends of lines differ"]
    return list(difflib.unified_diff(before, after, f"tests/golden/{name}", "result", lineterm=""))


def _bytes_difference(expected: bytes, actual: bytes) -> list[str]:
    pairs = zip(expected, actual, strict=False)
    shorter = min(len(expected), len(actual))
    at = next((place for place, (left, right) in enumerate(pairs) if left != right), shorter)
    start = at - at % _ROW
    rows = [
        f"{sign} {start:08x}  {data[start : start + _ROW].hex(' ')}"
        for sign, data in (("-", expected), ("+", actual))
    ]
    return [f"{len(expected)} bytes expected, {len(actual)} came; they differ from byte {at} on", *rows]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare with a file below ``tests/golden``: ``golden("plans/hello.json", text)``."""
    return Golden(ROOT, update=request.config.getoption(_OPTION))
