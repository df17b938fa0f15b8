"""``python -m cog.server.http``: start the server that is baked into the image.

The process that runs this is in the model's folder with all of the model's packages in reach. It hands over, by
``exec``, to an interpreter that sees neither: the server's own folder is the bundle's ``server``, two levels above
the SDK that this file belongs to, wherever a link has led here from.
"""

# ruff: noqa: PTH113, PTH118, PTH120
# pathlib costs more to import than all of this does.

import sys


def main() -> None:
    """Replace this process by the server."""
    import os  # noqa: PLC0415 - only when the model's folder is off the path

    here = os.path.realpath(__file__)
    bundle = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(here))))
    start = os.path.join(bundle, "server", "__main__.py")
    if not os.path.isfile(start):
        sys.exit(
            f"cog.server.http: no server beside {os.path.dirname(os.path.dirname(here))}: this is no runtime bundle"
        )
    os.execv(sys.executable, [sys.executable, "-I", "-S", start, *sys.argv[1:]])  # noqa: S606 - no shell, our own file


if __name__ == "__main__":
    # ``-m`` puts the model's folder first; a json.py there must not become ours.
    del sys.path[0]
    main()
