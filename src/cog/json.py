"""Plain JSON values from what a model returns: what older releases offered to models."""

from __future__ import annotations

import os
import pathlib
from typing import Any, BinaryIO, Callable

from cog._normalise import plain
from cog.files import upload_file


def make_encodeable(value: Any) -> Any:
    """Return the value as dicts, lists and simple values; paths and open files stay what they are.

    Raises:
        TypeError: Something has no JSON form.
    """
    return plain(value, lambda file, _: file)


def upload_files(value: Any, upload: Callable[[BinaryIO], str] = upload_file) -> Any:
    """Return the value with every path and open file replaced by what ``upload`` returns for it."""

    def replace(file: Any, _: object) -> Any:
        if not isinstance(file, os.PathLike):
            return upload(file)
        with pathlib.Path(file).open("rb") as source:
            return upload(source)

    return plain(value, replace)
