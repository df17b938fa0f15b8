"""Files as inputs and outputs."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runtime.receiver import Receiver
    from tests.runtime.serving import Server, Servers

COPY = """
    from typing import Optional
    from cog import File, Path

    class Runner:
        def run(
            self,
            name: str,
            source: Optional[Path] = None,
            handle: Optional[File] = None,
            sources: Optional[list[Path]] = None,
        ) -> Path:
            if source is not None:
                print("suffix", source.suffix)
                data = source.read_bytes()
            elif handle is not None:
                data = handle.read()
            else:
                data = b"+".join(each.read_bytes() for each in sources)
            target = Path(name)
            target.write_bytes(data[::-1])
            return target
    """
MANY = """
    from cog import BaseModel, Path

    class Pair(BaseModel):
        one: Path
        note: str

    class Runner:
        def run(self, folder: str, nested: bool = False) -> list[Path]:
            made = [Path(folder, name) for name in ("a.txt", "b.png")]
            for path in made:
                path.write_bytes(path.name.encode())
            return [Pair(one=path, note="x") for path in made] if nested else made
    """


@pytest.fixture(scope="module")
def copy(keep: Servers) -> Server:
    return keep(COPY, COG_DOWNLOAD_ALLOW="127.0.0.1")


def data_url(data: bytes, kind: str = "text/plain") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def test_a_data_url_becomes_a_file_and_a_file_becomes_a_data_url(serve: Servers, tmp_path: Path) -> None:
    server = serve(COPY, TMPDIR=str(tmp_path))
    target = str(tmp_path / "out.png")
    answer = server.predict(source=data_url(b"abc", "image/png"), name=target)
    assert answer["output"] == data_url(b"cba", "image/png")
    assert answer["logs"] == "suffix .png\n"
    assert server.output(handle=data_url(b"file"), name=target) == data_url(b"elif", "image/png")
    assert server.output(sources=[data_url(b"1"), data_url(b"2")], name=target) == data_url(b"2+1", "image/png")


def test_megabytes_go_through_unharmed(copy: Server, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    output = copy.output(source=data_url(content), name=str(tmp_path / "out.txt"))
    assert output == data_url(content[::-1])


def test_a_file_behind_a_url_is_downloaded(copy: Server, receiver: Receiver, tmp_path: Path) -> None:
    receiver.files["/some/image.jpg?size=1"] = b"picture"
    target = str(tmp_path / "out.txt")
    answer = copy.predict(source=receiver.url("/some/image.jpg?size=1"), name=target)
    assert (answer["output"], answer["logs"]) == (data_url(b"erutcip"), "suffix .jpg\n")
    missing = copy.predict(source=receiver.url("/nothing"), name=target)
    assert missing["status"] == "failed"
    assert missing["error"].startswith("Input validation error: ")
    assert "404" in missing["error"]


def test_temporary_files_are_gone_after_the_prediction(serve: Servers, receiver: Receiver, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    server = serve(COPY, TMPDIR=str(temporary), COG_DOWNLOAD_ALLOW="127.0.0.0/8")
    receiver.files["/a.txt"] = b"a"
    target = str(tmp_path / "out.txt")
    server.predict(source=data_url(b"1"), name=target)
    server.predict(sources=[receiver.url("/a.txt"), data_url(b"2")], name=target)
    failed = server.predict(source=data_url(b"1"), name=str(tmp_path / "no" / "such" / "folder"))
    assert failed["status"] == "failed"
    assert list(temporary.iterdir()) == []


def test_lists_and_records_of_files_become_data_urls(serve: Servers, tmp_path: Path) -> None:
    server = serve(MANY)
    urls = [data_url(b"a.txt"), data_url(b"b.png", "image/png")]
    assert server.output(folder=str(tmp_path)) == urls
    assert server.output(folder=str(tmp_path), nested=True) == [{"note": "x", "one": url} for url in urls]


def test_outputs_are_uploaded_where_the_server_was_told_to(
    serve: Servers, receiver: Receiver, tmp_path: Path
) -> None:
    server = serve(MANY, "--upload-url", receiver.url("/bucket"))
    assert server.output(folder=str(tmp_path)) == [receiver.url("/bucket/a.txt"), receiver.url("/bucket/b.png")]
    assert {(each.method, each.headers["content-type"], each.body) for each in receiver.heard} == {
        ("PUT", "text/plain", b"a.txt"),
        ("PUT", "image/png", b"b.png"),
    }
    receiver.answers["Location"] = "https://example.com/kept?signature=1"
    assert server.output(folder=str(tmp_path)) == ["https://example.com/kept"] * 2
    receiver.statuses += [500, 500]
    assert "Upload of " in server.predict(folder=str(tmp_path))["error"]
