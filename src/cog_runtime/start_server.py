"""``<bundle>/server/__main__.py``: start the server, which runs as ``python -I -S FILE [arguments]``.

This interpreter sees the standard library and the bundle's ``server`` folder, and nothing of the model's.
"""

# ruff: noqa: PTH100, PTH120
# The worker is started before anything heavy is imported, pathlib included.

import os
import sys


def main() -> None:
    """Serve from the bundle that this file belongs to."""
    here = os.path.dirname(os.path.abspath(__file__))
    # ``-I`` hides these two from the interpreter; whoever serves from a cache keeps it clean with them.
    sys.pycache_prefix = os.environ.get("PYTHONPYCACHEPREFIX") or sys.pycache_prefix
    sys.dont_write_bytecode = sys.dont_write_bytecode or bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.path.insert(0, here)
    from cog_runtime.server.main import main as serve  # noqa: PLC0415 - found on the path above only

    status = serve(sys.argv[1:], bundle=os.path.dirname(here))
    sys.stdout.flush()
    sys.stderr.flush()
    # An ordinary end would wait for threads, which may wait for somebody who never answers.
    os._exit(status)


if __name__ == "__main__":
    main()
