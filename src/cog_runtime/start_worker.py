"""``<bundle>/worker/__main__.py``: start a worker, which the server runs as ``python FILE DATA_FD CONTROL_FD``.

The worker has the model's environment. What it needs itself is imported while neither the model's folder nor
``PYTHONPATH`` can put a ``json.py`` in its way; then it becomes what a script in the model's folder would be.
"""

# ruff: noqa: PTH100, PTH118, PTH120
# pathlib is a tenth of a small worker's start.

import os
import sys


def main() -> None:
    """Import the worker from the bundle, restore the path, and work."""
    here = os.path.dirname(os.path.abspath(__file__))
    sdk = os.path.join(os.path.dirname(here), "sdk")
    # A script's path is its own folder, then all of this; ours goes before it and away again.
    path = sys.path[1:]
    foreign = set(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))
    sys.path[:] = [here, sdk, *(entry for entry in path if entry not in foreign)]
    from cog_runtime.worker.main import work  # noqa: PLC0415 - found on the path above only

    sys.exit(work(int(sys.argv[1]), int(sys.argv[2]), path=path, sdk=sdk))


if __name__ == "__main__":
    main()
