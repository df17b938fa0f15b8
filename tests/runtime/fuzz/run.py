"""Runs ``attack.py``, which says what it does: ``python tests/runtime/fuzz/run.py --help``."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    runpy.run_module("tests.runtime.fuzz.attack", run_name="__main__", alter_sys=True)
