"""The output of a prediction: what is printed, what becomes a file, and where (reference, section 2.4)."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

import attrs

from cog_cli.render.go_json import dumps, dumps_fields
from cog_core.errors import PredictionError, UsageError
from cog_oci.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cog_core.results import Prediction

DEFAULT_STEM: Final = "output"

# What the standard library of some Pythons does not know, or calls in an unusual way.
_EXTENSIONS: Final = {
    "application/octet-stream": "",
    "audio/flac": ".flac",
    "audio/mp3": ".mp3",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "model/gltf-binary": ".glb",
    "text/plain": ".txt",
    "video/webm": ".webm",
}
_DATA_URL: Final = re.compile(r"data:([^;,]*)((?:;[^;,]*)*),", re.ASCII)


@attrs.frozen
class OutputFile(Frozen):
    """A file to be written."""

    path: Path
    content: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Answer(Frozen):
    """What a prediction's output comes to.

    Attributes:
        text: For standard output, without a line end; None: nothing.
        files: To be written.
    """

    text: str | None = None
    files: tuple[OutputFile, ...] = ()


def present(prediction: Prediction, output: str | None, *, as_json: bool = False) -> Answer:
    """Decide what becomes of a prediction's output. Pure.

    Args:
        prediction: What the model answered; it succeeded, unless ``as_json``.
        output: What ``--output`` says.
        as_json: Show the whole response.

    Raises:
        PredictionError: A file is no data URL.
    """
    if as_json:
        return _whole(prediction, output)
    value = prediction.output
    if value is None:
        return Answer()
    files, _ = _extracted(value, prediction.schema, output)
    if files:
        return Answer(files=files)
    text, extension = (value, ".txt") if isinstance(value, str) else (dumps(value), ".json")
    if output is None:
        return Answer(text=text)
    path = Path(output).expanduser()
    if _is_folder(output, path):
        path /= f"{DEFAULT_STEM}{extension}"
    return Answer(files=(OutputFile(path, text.encode("utf-8", "replace")),))


def check_destination(output: str | None) -> None:
    """Say before anything starts that an output could not be written.

    Raises:
        UsageError: It could not.
    """
    path = Path(output).expanduser() if output else Path(DEFAULT_STEM)
    folder = path if output and _is_folder(output, path) else path.parent
    if output is None:
        return
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(f"Output directory is not writable: {folder}", hint="Make it first, or name another one.")
    if path.exists() and not os.access(path, os.W_OK):
        raise UsageError(f"Output path is not writable: {path}")


def write(file: OutputFile) -> None:
    """Write a file whole or not at all; a link of that name is replaced, not followed.

    Raises:
        PredictionError: It cannot be written.
    """
    path = file.path
    if path.is_dir():
        raise PredictionError(f'Default output name "{path}" conflicts with directory, provide --output')
    try:
        if path.exists() and not path.is_file():  # a terminal, a pipe
            path.write_bytes(file.content)
            return
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent, delete=False) as partial:
            try:
                partial.write(file.content)
                partial.close()
                Path(partial.name).chmod(0o666 & ~_umask())
                Path(partial.name).replace(path)
            except BaseException:
                Path(partial.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise PredictionError(f"cannot write {path}: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _whole(prediction: Prediction, output: str | None) -> Answer:
    """Return the response as JSON with the paths of written files in place of their content."""
    name = output
    if output is not None and Path(output).suffix == ".json":
        name = str(Path(output).with_suffix(""))
    files, shown = _extracted(prediction.output, prediction.schema, name)
    fields: dict[str, Any] = {"status": prediction.status, "output": shown, "error": prediction.error or ""}
    if prediction.metrics:
        fields["metrics"] = dict(prediction.metrics)
    text = dumps_fields(fields)
    if output is None:
        return Answer(text=text, files=files)
    path = Path(output).expanduser()
    if _is_folder(output, path):
        path /= f"{DEFAULT_STEM}.json"
    return Answer(files=(*files, OutputFile(path, f"{text}\n".encode())))


def _extracted(value: Any, schema: Mapping[str, Any], output: str | None) -> tuple[tuple[OutputFile, ...], Any]:
    """Return the files of an output, and the output with their paths instead; only for outputs that are files."""
    declared = ((schema.get("components") or {}).get("schemas") or {}).get("Output") or {}
    if _is_file(declared) and isinstance(value, str):
        file = _file(value, output, None)
        return (file,), str(file.path)
    if declared.get("type") == "array" and _is_file(declared.get("items") or {}) and isinstance(value, list):
        files = tuple(_file(item, output, index) for index, item in enumerate(value))
        return files, [str(file.path) for file in files]
    return (), value


def _is_file(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "string" and schema.get("format") == "uri"


def _file(url: Any, output: str | None, index: int | None) -> OutputFile:
    kind, content = decoded(url)
    return OutputFile(_path(output, _extension(kind), index), content)


def decoded(url: Any) -> tuple[str, bytes]:
    """Return the MIME type and the bytes of a data URL (RFC 2397).

    Raises:
        PredictionError: It is none.
    """
    match = _DATA_URL.match(url) if isinstance(url, str) else None
    if match is None:
        raise PredictionError(f"Failed to decode data URL: {str(url)[:80]}")
    content = unquote_to_bytes(url[match.end() :])
    if match[2].lower().endswith(";base64"):
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise PredictionError(f"Failed to decode data URL: {error}") from error
    return match[1].lower() or "text/plain", content


def _extension(kind: str) -> str:
    """Return the file name extension of a MIME type; from our tables only, whatever the model says."""
    found = _EXTENSIONS.get(kind)
    return (mimetypes.guess_extension(kind, strict=False) or "") if found is None else found


def _path(output: str | None, extension: str, index: int | None) -> Path:
    """Return where a file goes: ``--output`` gets the extension unless it has one that is more than a number."""
    path = Path(output).expanduser() if output else Path(DEFAULT_STEM)
    if output and _is_folder(output, path):
        path /= DEFAULT_STEM
    stem, suffix = (path.stem, path.suffix) if path.suffix.strip(".").isalnum() else (path.name, "")
    if suffix.strip(".").isdecimal():
        stem, suffix = path.name, ""
    number = "" if index is None else f".{index}"
    return path.with_name(f"{stem}{number}{suffix or extension}")


def _is_folder(output: str, path: Path) -> bool:
    return output.endswith("/") or path.is_dir()
