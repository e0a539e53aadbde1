"""What becomes of a tracking server that is not there, does not answer, or is none: told soon and in plain words, and
nothing is lost. The real server is asked in test_server.py."""

from __future__ import annotations

import base64
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pdm_desktop.core import sending
from pdm_desktop.core.errors import Cancelled
from pdm_desktop.core.progress import Progress
from pdm_desktop.core.registry import server as servers
from pdm_desktop.core.sent import Sending
from pdm_desktop.core.settings import Settings
from pdm_desktop.core.versions import Versions
from tests.mlflow_warnings import MLFLOW

pytestmark = MLFLOW


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """A workspace with the bundled version alone."""
    made = Versions(tmp_path_factory.mktemp("plant") / "mlruns")
    made.workspace_mark()
    yield made
    made.close()


def send(kept: Versions, address: str, login: str = "") -> Sending:
    settings = Settings(tracking_server=address, tracking_login=login)
    made = sending.send(kept, settings, Progress())
    assert (made.server, made.sent, made.waiting) == (address, (), ("1",))
    assert "Version 1 here is complete and will be sent" in made.text
    return made


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """A port that takes connections and never says a word."""
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        port.listen()
        yield port, f"http://127.0.0.1:{port.getsockname()[1]}"


@contextmanager
def answering(answers: dict[str, tuple[int, bytes]], seen: list[tuple[str, str]]) -> Iterator[str]:
    """A web server that gives the answers by path, 404 for others, and notes paths with their Authorization."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers.get("Authorization", "")))
            code, body = answers.get(self.path, (404, b"not here"))
            self.send_response(code)
            if code == 302:
                self.send_header("Location", body.decode())
                body = b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = False
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_address[1]}"
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def test_without_a_server_set_nothing_is_even_looked_up(tmp_path: Path) -> None:
    assert sending.send(Versions(tmp_path / "mlruns"), Settings(), Progress()) == Sending()
    assert Sending().text == ""
    assert not (tmp_path / "mlruns").exists()


def test_a_closed_port_is_told_and_what_was_to_be_sent_waits(kept: Versions) -> None:
    with listening() as (_, address):
        pass
    assert "nobody answers there" in send(kept, address).problem


def test_a_port_that_never_answers_is_given_up(kept: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "ANSWERS_S", 0.2)
    with listening() as (_, address):
        assert "no answer within 0.2 seconds" in send(kept, address).problem


def test_a_server_that_falls_silent_later_is_given_up_without_another_try(
    kept: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "REQUEST_S", 1)
    asked: list[bytes] = []

    def answer(port: socket.socket) -> None:
        for reply in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK", b""):
            connection, _ = port.accept()
            asked.append(connection.recv(10_000))
            connection.sendall(reply)
            if not reply:
                connection.recv(10_000)  # until the other side has had enough
            connection.close()

    with listening() as (port, address):
        thread = threading.Thread(target=answer, args=(port,))
        thread.start()
        problem = send(kept, address).problem
        thread.join()
        port.settimeout(0)
        with pytest.raises(BlockingIOError):
            port.accept()
    assert "did not take what was sent" in problem
    assert asked[0].startswith(b"GET /health ")


def test_something_else_than_a_tracking_server_is_told_from_one(kept: Versions) -> None:
    with answering({"/health": (200, b"<html>Hello")}, []) as address:
        assert "no MLflow server" in send(kept, address).problem
    with answering({}, []) as address:
        assert "answers with 404" in send(kept, address).problem
    with answering({"/health": (200, b"OK")}, []) as address:
        assert "did not take what was sent" in send(kept, address).problem


def test_a_login_goes_to_its_server_only_and_is_repeated_nowhere(
    kept: Versions, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    header = "Basic " + base64.b64encode(b"eva:s3cr:et").decode()
    seen: list[tuple[str, str]] = []
    elsewhere: list[tuple[str, str]] = []
    with answering({"/health": (200, b"OK")}, seen) as address:
        told = [send(kept, address, "eva:s3cr:et")]
        assert len(seen) > 1
        assert {who for _, who in seen} == {header}
        with answering({"/health": (302, f"{address}/health".encode())}, elsewhere) as moved:
            seen.clear()
            told.append(send(kept, moved, "eva:s3cr:et"))
            assert seen == []
    assert "answers with 302" in told[1].problem
    shown = capsys.readouterr()
    for text in (*(f"{t!r} {t.text}" for t in told), caplog.text, shown.out, shown.err):
        assert "s3cr" not in text
        assert header not in text


def test_a_sending_that_is_stopped_says_so(kept: Versions) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        progress.check()
    made = sending.send(kept, Settings(tracking_server="http://127.0.0.1:1"), progress)
    assert made.problem == "Sending was stopped."
    assert made.waiting == ("1",)


def test_a_store_deleted_and_made_anew_at_the_same_place_is_the_new_one(kept: Versions, tmp_path: Path) -> None:
    known = kept.workspace_mark()
    kept.close()
    found = Versions(Path(shutil.copytree(kept.mlruns, tmp_path / "mlruns")))
    assert found.workspace_mark() == known
    # Behind the program's back, as only another program could; then closed, as a workspace is.
    shutil.rmtree(found.mlruns)
    assert [v.version for v in found.all()] == ["1"]
    assert found.workspace_mark() != known
    found.close()
    shutil.rmtree(found.mlruns)
    shutil.copytree(kept.mlruns, found.mlruns)
    assert found.workspace_mark() == known
    found.close()
