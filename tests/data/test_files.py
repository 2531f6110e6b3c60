import hashlib
import http.server
import threading
import time

import pytest

from keras_sharpness.data import files
from keras_sharpness.errors import InputError

CONTENT = b"a known file"
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def serve():
    """Starts servers on this machine that answer with a function of their own."""
    servers = []

    def start(answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/file"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def answer_whole(handler):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(CONTENT)


def test_find_takes_the_first_folder_that_has_any(tmp_path):
    for folder, name in (("second", "b"), ("third", "a"), ("third", "b")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).touch()
    folders = [tmp_path / name for name in ("first", "second", "third")]
    assert files.find(("a", "b"), folders) == [tmp_path / "second" / "b"]
    assert files.find(("c",), folders) == []


def test_obtain_names_the_files_that_a_folder_lacks(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(InputError, match=r"must hold all of a, b\. Received: missing=\['b'\]"):
        files.obtain({"a": SUM, "b": SUM}, [tmp_path], "http://invalid/", None)


def test_obtain_touches_no_network_unless_it_may(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fetch", lambda *arguments: pytest.fail("network"))
    assert files.obtain({"a": SUM}, [tmp_path], "http://invalid/", None) == []
    (tmp_path / "a").write_bytes(CONTENT)
    assert files.obtain({"a": SUM}, [tmp_path], "http://invalid/", tmp_path / "target") == [tmp_path / "a"]


def test_obtain_fetches_only_what_is_missing(tmp_path, monkeypatch):
    fetched = []
    monkeypatch.setattr(files, "fetch", lambda url, expected, path: fetched.append((url, expected, path)))
    (tmp_path / "a").touch()
    found = files.obtain({"a": "1", "b": "2"}, [], "http://host/", tmp_path)
    assert found == [tmp_path / "a", tmp_path / "b"]
    assert fetched == [("http://host/b", "2", tmp_path / "b")]


def test_fetch_writes_the_file(tmp_path, serve):
    files.fetch(serve(answer_whole), SUM, tmp_path / "new" / "file", timeout=10)
    assert (tmp_path / "new" / "file").read_bytes() == CONTENT


def test_fetch_writes_nothing_of_another_file(tmp_path, serve):
    with pytest.raises(InputError, match="must have the SHA-256 0"):
        files.fetch(serve(answer_whole), "0" * 64, tmp_path / "file", timeout=10)
    assert list(tmp_path.iterdir()) == []


def hang(handler):
    time.sleep(5)


def drip(handler):
    """Sends a byte now and then, so that no single read takes long."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(50):
        try:
            handler.wfile.write(b".")
        except OSError:
            return
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [hang, drip])
def test_fetch_ends_by_its_deadline(tmp_path, serve, answer):
    start = time.monotonic()
    with pytest.raises(InputError, match=r"must be reachable within 0\.5 seconds") as caught:
        files.fetch(serve(answer), SUM, tmp_path / "file", timeout=0.5)
    assert time.monotonic() - start < 2
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_fetch_ends_by_its_deadline_when_the_name_lookup_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(files.urllib.request, "urlopen", lambda *arguments, **keywords: time.sleep(5))
    start = time.monotonic()
    with pytest.raises(InputError, match="must be reachable"):
        files.fetch("http://host/file", SUM, tmp_path / "file", timeout=0.2)
    assert time.monotonic() - start < 2


def test_fetch_reports_a_refused_connection_in_one_line(tmp_path):
    with pytest.raises(InputError, match="must be reachable") as caught:
        files.fetch("http://127.0.0.1:9/file", SUM, tmp_path / "file", timeout=5)
    assert "\n" not in str(caught.value)


def test_it_is_said_where_was_looked(tmp_path, caplog):
    folders = [tmp_path / "first", tmp_path / "second"]
    with caplog.at_level("INFO"):
        assert files.find(("a.data",), folders) == []
        assert caplog.messages == [f"data: looked in {folders[0]}, then {folders[1]}, and found no a.data"]
        folders[1].mkdir()
        (folders[1] / "a.data").touch()
        assert files.find(("a.data",), folders) == [folders[1] / "a.data"]
        assert caplog.messages[1:] == [f"data: looked in {folders[0]}, then {folders[1]}, and found a.data"]
