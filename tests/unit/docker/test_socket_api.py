"""Questions to an engine over its socket, without docker-py; the engine here is a few lines of its protocol."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pytest

from cog_backends.docker.client import connect
from cog_backends.docker.socket_api import Refused, Silent, SocketApi
from cog_core.errors import BackendUnavailable, ImageNotFound
from cog_core.settings import Settings


@pytest.fixture
def engine(tmp_path):
    """Answer each question with the next answer; ``asked`` are the first lines."""
    path, asked, answers = str(tmp_path / "engine.sock"), [], []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def serve():
        while True:
            connection, _ = listener.accept()
            with connection:
                line = connection.recv(65536).decode().splitlines()[0]
                if line == "stop":
                    return
                asked.append(line)
                connection.sendall(answers.pop(0).encode())

    thread = threading.Thread(target=serve)
    thread.start()
    yield path, asked, answers
    with socket.socket(socket.AF_UNIX) as last:
        last.connect(path)
        last.sendall(b"stop")
    thread.join()
    listener.close()


def _ok(body, status="200 OK"):
    return f"HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n{body}"


VERSION = _ok('{"Version": "20.10.24", "Os": "linux", "Arch": "amd64"}')


def test_an_engine_is_met_without_docker_py(engine):
    path, asked, answers = engine
    answers[:] = [VERSION, _ok('{"message": "No such image: a:1"}', "404 Not Found")]
    program = (
        "import sys; from cog_backends.docker.client import connect; from cog_core.settings import Settings\n"
        f"engine = connect(Settings.from_environ({{'HOME': '/', 'DOCKER_HOST': 'unix://{path}'}}))\n"
        "print(engine.version, engine.platform, engine.has('a:1'), 'docker' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "20.10.24 linux/amd64 False False\n"
    assert asked == ["GET /version HTTP/1.0", "GET /images/a:1/json HTTP/1.0"]


def test_names_cannot_leave_their_place(engine):
    path, asked, answers = engine
    answers[:] = [_ok("", "204 No Content"), _ok("[]")]
    api = SocketApi(path, rest=lambda: None)

    api.remove_image("a b?c#d\r\ne")
    api.history("host:5000/x@sha256:0")

    assert asked == [
        "DELETE /images/a%20b%3Fc%23d%0D%0Ae?noprune=0 HTTP/1.0",
        "GET /images/host:5000/x@sha256:0/history HTTP/1.0",
    ]


@pytest.mark.parametrize("body", ['{"message": "out of order"}', "out of order"])
def test_a_refusal_has_the_engine_s_words(engine, body):
    path, _, answers = engine
    answers[:] = [_ok(body, "500 Internal Server Error")]

    with pytest.raises(Refused, match="out of order"):
        SocketApi(path, rest=lambda: None).version()


@pytest.mark.parametrize("answer", ["", "nonsense", "HTTP/1.0\r\n\r\n"])
def test_no_answer_is_silence(engine, answer):
    path, _, answers = engine
    answers[:] = [answer]

    with pytest.raises(Silent):
        SocketApi(path, rest=lambda: None).version()


def test_what_is_missing_is_an_error_of_ours(engine):
    path, _, answers = engine
    answers[:] = [VERSION, _ok('{"message": "No such image: a:1"}', "404 Not Found")]
    found = connect(Settings.from_environ({"HOME": "/", "DOCKER_HOST": f"unix://{path}"}))

    with pytest.raises(ImageNotFound, match="a:1"):
        found.inspect("a:1")


def test_an_engine_that_is_not_there_is_said_on_one_line(tmp_path):
    settings = Settings.from_environ({"HOME": "/", "DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"})

    with pytest.raises(BackendUnavailable, match=r"^no Docker engine answers: its socket is not there$"):
        connect(settings)


def test_what_the_door_has_not_comes_from_docker_py():
    class Rest:
        answer = 42

    assert SocketApi("/nowhere", rest=Rest).answer == 42
