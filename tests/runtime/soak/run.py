"""Runs ``soak.py``, which says what it does: ``python tests/runtime/soak/run.py --help``."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    runpy.run_module("tests.runtime.soak.soak", run_name="__main__", alter_sys=True)
