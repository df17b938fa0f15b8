"""Files as inputs and outputs: paths, open files, and both behind a URL."""

from __future__ import annotations

import os
import pathlib
import sys
from contextlib import suppress
from io import IOBase
from typing import TYPE_CHECKING, Any, BinaryIO, Callable

from cog._fetch import SCHEMES, open_url, scheme_of
from cog._names import get_filename, shorten

if TYPE_CHECKING:
    _Native = pathlib.Path
else:
    _Native = type(pathlib.Path())

__all__ = ["File", "Path", "URLFile", "URLPath", "get_filename"]


def _pydantic_core_schema(validate: Callable[[Any], Any]) -> Any:
    # Only pydantic 2 calls this, so its core is loaded; the SDK itself depends on nothing.
    core = sys.modules["pydantic_core"].core_schema
    return core.no_info_plain_validator_function(validate, serialization=core.to_string_ser_schema())


class Path(_Native):
    """A file: as an input, one that was downloaded for this prediction; as an output, one to send."""

    @classmethod
    def validate(cls, value: Any) -> pathlib.Path:
        """Return a path for what a request says: a URL becomes a :class:`URLPath`, still to be downloaded."""
        if isinstance(value, pathlib.Path):
            return value
        text = os.fspath(value)
        if scheme_of(text) in SCHEMES:
            return URLPath(source=text, filename=get_filename(text))
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic 2 use this type in a model's own classes."""
        return _pydantic_core_schema(cls.validate)

    @classmethod
    def __get_validators__(cls) -> Any:
        """Let pydantic 1 use this type in a model's own classes."""
        yield cls.validate


class URLPath(_Native):
    """A file behind a URL, downloaded by :meth:`convert`; as text it is the URL."""

    source: str
    filename: str

    def __new__(cls, *, source: str, filename: str, fileobj: BinaryIO | None = None) -> URLPath:  # noqa: ARG004, PYI034 - Self is not in Python 3.8
        """Make the path; ``fileobj`` gives the content where it is at hand already."""
        return super().__new__(cls, filename)

    def __init__(self, *, source: str, filename: str, fileobj: BinaryIO | None = None) -> None:
        if sys.version_info >= (3, 12):
            super().__init__(filename)
        self.source = source
        self.filename = filename
        self._fileobj = fileobj
        self._local: Path | None = None

    def with_segments(self, *segments: str | os.PathLike[str]) -> pathlib.Path:
        """Return a plain path for what is derived from this one."""
        return Path(*segments)

    def convert(self, folder: str | None = None) -> Path:
        """Return the local file, downloading it at the first call, to this folder or the usual one for such files."""
        if self._local is None:
            self._local = _save(self._fileobj or open_url(self.source), self.filename, folder)
        return self._local

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - pathlib's signature
        """Remove the downloaded file, if there is one."""
        if self._local is not None:
            try:
                self._local.unlink()
            except FileNotFoundError:
                if not missing_ok:
                    raise

    def __reduce__(self) -> Any:
        """Return what makes the same path again elsewhere, not downloaded."""
        return _url_path, (self.source, self.filename)

    def __str__(self) -> str:
        """Return the URL; what Python 3.11 and older derive from this path is plain text."""
        return str(self.__dict__.get("source") or super().__str__())


def _url_path(source: str, filename: str) -> URLPath:
    return URLPath(source=source, filename=filename)


def _save(source: BinaryIO, filename: str, folder: str | None) -> Path:
    import tempfile  # noqa: PLC0415 - for downloads only

    suffix = f"-{shorten(filename)}"
    with source, tempfile.NamedTemporaryFile(prefix="cog-", suffix=suffix, dir=folder, delete=False) as target:
        try:
            _copy(source, target)
        except BaseException:
            with suppress(FileNotFoundError):
                pathlib.Path(target.name).unlink()
            raise
    return Path(target.name)


def _copy(source: BinaryIO, target: Any) -> None:
    read = getattr(source, "read1", source.read)
    while data := read(1 << 20):
        target.write(data)
        if not os.fstat(target.fileno()).st_nlink:
            raise OSError("nobody waits for this file any more")


class File(IOBase):
    """An open file as an input; :class:`Path` is the newer way."""

    @classmethod
    def validate(cls, value: Any) -> IOBase:
        """Return an open file for what a request says; one behind http is read only when needed.

        Raises:
            ValueError: The value is no URL of a supported scheme.
        """
        if isinstance(value, IOBase):
            return value
        if scheme_of(value) in {"http", "https"}:
            return URLFile(value)
        return open_url(value)  # type: ignore[return-value]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Let pydantic 2 use this type in a model's own classes."""
        return _pydantic_core_schema(cls.validate)

    @classmethod
    def __get_validators__(cls) -> Any:
        """Let pydantic 1 use this type in a model's own classes."""
        yield cls.validate


class URLFile(IOBase):
    """A file behind http or https: downloaded, if it is an input; else opened when it is first read."""

    def __init__(self, url: str, filename: str | None = None) -> None:
        if scheme_of(url) not in {"http", "https"}:
            raise ValueError("URLFile requires URL to conform to HTTP or HTTPS protocol")
        self.url = url
        self.name = get_filename(url) if filename is None else filename
        self._answer: BinaryIO | None = None

    def _open(self) -> BinaryIO:
        if self._answer is None:
            if self.closed:
                raise ValueError("I/O operation on closed file")
            self._answer = open_url(self.url)
        return self._answer

    def convert(self, folder: str | None = None) -> URLFile:
        """Download it, to this folder or the usual one for such files, unless it is open already; return itself."""
        if self._answer is None:
            self._answer = _save(open_url(self.url), self.name, folder).open("rb")
        return self

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, or all of them."""
        return self._open().read(size)

    def read1(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, with at most one read of what is behind."""
        return self._open().read1(size)  # type: ignore[attr-defined,no-any-return]

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer and return how many bytes that were."""
        return self._open().readinto(buffer)  # type: ignore[attr-defined,no-any-return]

    def readline(self, size: int | None = -1) -> bytes:
        """Return one line with its end."""
        return self._open().readline(-1 if size is None else size)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return whether it has been downloaded."""
        return self._answer is not None and self._answer.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place of the file that has been downloaded."""
        return self._open().seek(offset, whence)

    def tell(self) -> int:
        """Return the place in the file that has been downloaded."""
        return self._open().tell()

    def close(self) -> None:
        """Close the connection, if there is one."""
        answer, self._answer = self.__dict__.get("_answer"), None
        if answer is not None:
            answer.close()
        super().close()

    def __getstate__(self) -> dict[str, str]:
        """Return what makes the same file again elsewhere."""
        return {"url": self.url, "name": self.name}

    def __setstate__(self, state: dict[str, str]) -> None:
        """Start again, unopened."""
        self.url, self.name, self._answer = state["url"], state["name"], None

    def __str__(self) -> str:
        """Return the URL."""
        return self.url
