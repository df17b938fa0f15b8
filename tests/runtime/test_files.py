"""Files as inputs and outputs."""

from __future__ import annotations

import base64
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.receiver import Receiver
from tests.runtime.serving import events, until

if TYPE_CHECKING:
    from pathlib import Path

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
                print(type(handle).__name__, getattr(handle, "name", ""), handle.seekable(), handle.read(1))
                handle.seek(0)
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

ONE_BY_ONE = """
    import time
    from typing import Iterator
    import cog
    from cog import Path

    class Runner:
        @cog.streaming
        def run(self, folder: str, pause: float) -> Iterator[Path]:
            try:
                for name in ("0.txt", "1.txt", "2.txt"):
                    path = Path(folder, name)
                    path.write_text(name)
                    yield path
                time.sleep(pause)
            finally:
                print("too late")
                cog.current_scope().record_metric("late", 1)
    """


@pytest.fixture(scope="module")
def copy(keep: Servers) -> Server:
    return keep(COPY, COG_DOWNLOAD_ALLOW="127.0.0.1")


class Bucket(Receiver):
    """Refuses the first file at once, and takes its time for the others."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        head = request.recv(1 << 10, socket.MSG_PEEK)
        if b"/0.txt" in head:
            self.statuses = [500]
        else:
            time.sleep(0.3)
        super().finish_request(request, client_address)


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
    opened = copy.predict(handle=receiver.url("/some/image.jpg?size=1"), name=target)
    assert (opened["output"], opened["logs"]) == (data_url(b"erutcip"), "URLFile image.jpg True b'p'\n")
    for name in ("source", "handle"):
        missing = copy.predict(**{name: receiver.url("/nothing"), "name": target})
        assert missing["status"] == "failed"
        assert missing["logs"] == ""
        assert missing["error"].startswith("Input validation error: ")
        assert "404" in missing["error"]


def test_temporary_files_are_gone_after_the_prediction(serve: Servers, receiver: Receiver, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    server = serve(COPY, TMPDIR=str(temporary), COG_DOWNLOAD_ALLOW="127.0.0.0/8")
    receiver.files["/a.txt"] = b"a"
    target = str(tmp_path / "out.txt")
    server.predict(source=data_url(b"1"), name=target)
    server.predict(handle=receiver.url("/a.txt"), name=target)
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


@pytest.mark.parametrize("pause", ["0", "30"])
def test_after_an_upload_that_failed_nothing_more_is_told(
    serve: Servers, receiver: Receiver, tmp_path: Path, pause: str
) -> None:
    bucket = Bucket()
    server = serve(
        ONE_BY_ONE, "--upload-url", bucket.url("/bucket"), COG_THROTTLE_RESPONSE_INTERVAL="0", COG_MAX_CONCURRENCY="1"
    )
    body = {"input": {"folder": str(tmp_path), "pause": float(pause)}, "webhook": receiver.url()}
    told = list(events(server, body))
    assert told[-1][0] == "completed"
    assert "HTTP status 500" in told[-1][1]["error"]
    assert "output" not in {name for name, _ in told}
    receiver.wait_for_end()
    until(lambda: len(bucket.heard) == 3 and "too late" in server.log)
    bucket.end()
    # The model is asked to end; what it says until then goes to the server's log alone.
    until(lambda: server.health["runtime"]["running"] == 0)
    server.stop()
    assert [each.json()["status"] for each in receiver.heard].count("failed") == 1
    assert receiver.heard[-1].json()["status"] == "failed"
