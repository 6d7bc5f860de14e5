"""The service as it runs: real processes, real sockets, slow clients, signals, logs, metrics of several workers."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SECRET = "独此一句绝密短语"  # noqa: S105
BATCH = "/v1/classify/batch"


@dataclass
class Running:
    """A served process, its port, what it wrote to standard error so far."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    temporary: Path

    def ask(self, method: str, path: str, content: Any = None, **headers: str) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            body = json.dumps(content).encode() if isinstance(content, dict) else content
            connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def stop(self) -> str:
        """SIGTERM; what is on standard error."""
        self.process.terminate()
        self.process.wait(30)
        return self.log.read_text("utf-8")


Serve = Callable[..., Running]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    started: list[Running] = []

    def start(*options: str, **settings: str) -> Running:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        folder = tmp_path / f"served{len(started)}"
        (folder / "tmp").mkdir(parents=True)
        environment = {
            **os.environ,
            "TMPDIR": str(folder / "tmp"),
            **{f"HARASSCLF_{k}": v for k, v in settings.items()},
        }
        with (folder / "log").open("wb") as log:
            command = [sys.executable, "-m", "harassclf", "serve", "--port", str(port), *options]
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
        running = Running(process, port, folder / "log", folder / "tmp")
        started.append(running)
        _wait_until_ready(running)
        return running

    yield start
    for running in started:
        running.process.kill()
        running.process.wait()


def _wait_until_ready(running: Running) -> None:
    for _ in range(600):
        assert running.process.poll() is None, running.log.read_text()
        try:
            if running.ask("GET", "/ready")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail("the service did not become ready")


def _answer(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    received = b""
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def test_slow_clients_are_let_go(serve: Serve) -> None:
    running = serve(HEADER_TIMEOUT="1", BODY_TIMEOUT="1", WRITE_TIMEOUT="1", KEEP_ALIVE="1", LOG_LEVEL="warning")
    with (
        running.connect() as silent,
        running.connect() as dripping,
        running.connect() as half,
        running.connect() as idle,
    ):
        dripping.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n")
        half.sendall(b"POST /v1/classify HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        idle.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        assert _answer(silent) == b""
        assert _answer(dripping) == b""
        assert _answer(half).startswith(b"HTTP/1.1 408 ")
        assert _answer(idle).startswith(b"HTTP/1.1 200 ")
    assert running.ask("GET", "/health")[0] == 200


def test_an_answer_that_nobody_reads_is_given_up(serve: Serve) -> None:
    running = serve(WRITE_TIMEOUT="1", MAX_BATCH="20000")
    body = json.dumps({"texts": ["再不还钱就爆你通讯录，弄死你全家"] * 3_000}).encode()  # an answer of many megabytes
    _, whole = running.ask("POST", BATCH, body)
    with running.connect() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        head = (
            f"POST {BATCH} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        deaf.sendall(head.encode() + body)
        for _ in range(300):
            if running.log.read_text("utf-8").count(BATCH) == 2:  # answered, as far as the client let it
                break
            time.sleep(0.1)
        time.sleep(3)
        assert 1_000 < len(_answer(deaf)) < len(whole)
    assert running.ask("POST", BATCH, {"texts": ["在吗"]})[0] == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_sigterm_finishes_what_runs(serve: Serve, workers: str) -> None:
    running = serve("--workers", workers, MAX_BATCH="100000")
    texts = [f"您第{number}期账单已逾期，请尽快处理" for number in range(60_000)]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(running.ask, "POST", BATCH, {"texts": texts})
        while b"harassclf_in_progress 1.0" not in running.ask("GET", "/metrics")[1]:
            assert not waiting.done(), "the batch was over too soon for this test"
        running.process.send_signal(signal.SIGTERM)
        status, body = waiting.result(60)
    assert status == 200
    assert len(json.loads(body)["results"]) == len(texts)
    running.process.wait(30)
    assert "Traceback" not in running.log.read_text()
    with pytest.raises(OSError):  # noqa: PT011
        running.ask("GET", "/health")


def test_logs_are_json_lines(serve: Serve) -> None:
    running = serve(LOG_LEVEL="debug")
    running.ask("POST", "/v1/classify", {"text": "在吗"})
    with running.connect() as broken:
        broken.sendall(b"\x00" * 50 + SECRET.encode() + b"\r\n\r\n")
        _answer(broken)
    lines = [json.loads(line) for line in running.stop().splitlines()]
    assert all({"time", "level", "event"} <= line.keys() for line in lines)
    request = next(line for line in lines if line.get("route") == "/v1/classify")
    assert (request["event"], request["status"], request["method"]) == ("request", 200, "POST")
    assert SECRET not in json.dumps(lines, ensure_ascii=False)


@pytest.mark.parametrize(
    ("proxies", "address"), [("", "127.0.0.1"), ("192.0.2.1", "127.0.0.1"), ("127.0.0.1", "192.0.2.9")]
)
def test_a_forwarded_address_is_believed_of_set_proxies_only(serve: Serve, proxies: str, address: str) -> None:
    running = serve(TRUSTED_PROXIES=proxies, LOG_ADDRESSES="true")
    running.ask("POST", "/v1/classify", {"text": "在吗"}, **{"X-Forwarded-For": "192.0.2.9"})
    request = next(line for line in map(json.loads, running.stop().splitlines()) if line.get("route") == "/v1/classify")
    assert request["address"] == address


def test_metrics_are_those_of_all_workers(serve: Serve) -> None:
    running = serve("--workers", "2")
    for _ in range(40):  # each on a connection of its own, so that both workers get some
        assert running.ask("POST", "/v1/classify", {"text": "在吗"})[0] == 200
    for _ in range(50):  # a request is counted when its answer is out
        if b'route="/v1/classify",status="200"} 40.0' in running.ask("GET", "/metrics")[1]:
            break
        time.sleep(0.1)
    for _ in range(10):  # whichever is asked
        metrics = running.ask("GET", "/metrics")[1].decode()
        assert 'harassclf_requests_total{route="/v1/classify",status="200"} 40.0' in metrics
        assert 'harassclf_request_seconds_count{route="/v1/classify"} 40.0' in metrics
        assert 'harassclf_verdicts_total{label="other"} 40.0' in metrics
        assert "harassclf_in_progress 0.0" in metrics
        assert metrics.count("harassclf_model_info{") == 1
    running.stop()
    assert list(running.temporary.iterdir()) == []


def test_an_unusable_file_of_keys_stops_the_start(tmp_path: Path) -> None:
    environment = {**os.environ, "HARASSCLF_API_KEYS": str(tmp_path / "none")}
    command = [sys.executable, "-m", "harassclf", "serve", "--port", "0"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1


def _secret_requests() -> Iterator[tuple[str, str, Any, dict[str, str]]]:
    """Requests that carry the secret in every place a client can put it, most of them failing."""
    long, key = SECRET * 2_000, {"Authorization": f"Bearer {SECRET}".encode().decode("latin-1")}
    bad_json = [f'{{"text": "{SECRET}'.encode(), f"{SECRET}".encode(), f'{{"text": "{SECRET}"}}'.encode("utf-16")]
    path = f"/v1/{''.join(f'%{byte:02X}' for byte in SECRET.encode())}"
    for _ in range(20):
        yield "POST", "/v1/classify", {"text": SECRET}, {}
        yield "POST", "/v1/classify", {"text": long}, {}
        yield "POST", "/v1/classify", {"texts": SECRET, SECRET: SECRET}, {}
        yield "POST", "/v1/classify", {"text": [SECRET]}, {}
        yield "POST", BATCH, {"texts": [SECRET, long, None, {SECRET: 1}]}, {}
        yield "POST", BATCH, {"texts": [SECRET] * 1_001}, {}
        yield "POST", "/v1/classify", b'{"text": "' + SECRET.encode() * 10_000 + b'"}', {}  # 413
        yield "GET", path, None, key
        yield "POST", f"/v1/classify?{path[4:]}", {"text": "1"}, {"Cookie": path, "User-Agent": path}
        yield "GET", "/v1/classify", None, {"X-Request-ID": path}
    for body in bad_json * 7:
        yield "POST", "/v1/classify", body, {}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_secret_is_in_no_log_line_metric_error_or_file(serve: Serve, workers: str) -> None:
    running = serve("--workers", workers, LOG_LEVEL="debug", MAX_BODY="200000")
    statuses = set()
    marks = [SECRET.encode(), json.dumps(SECRET).strip('"').encode(), b"%E7%8B%AC", SECRET.encode("utf-16-le")]
    for method, path, content, headers in _secret_requests():
        status, body = running.ask(method, path, content, **headers)
        statuses.add(status)
        assert status == 200 or not any(mark in body for mark in marks), (method, path, status)
    assert statuses == {200, 400, 404, 405, 413, 422}
    metrics = running.ask("GET", "/metrics")[1]
    files = [file.read_bytes() for file in running.temporary.rglob("*") if file.is_file()]
    log = running.stop().encode()
    assert log.count(b'"route"') > 200
    for found in (metrics, log, *files):
        assert not any(mark in found for mark in marks)


def test_a_failure_of_ours_tells_no_secret(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\n"
        "if 'HARASSCLF_LOG_LEVEL' in os.environ:\n"
        "    from harassclf.classifier import Classifier\n"
        "    whole, many = Classifier.classify, Classifier.judge_many\n"
        "    def broken(self, text, rest=whole):\n"
        "        if '还钱' in str(text):\n"
        "            raise RuntimeError(f'cannot judge {text}')\n"
        "        return rest(self, text)\n"
        "    Classifier.classify = broken\n"
        "    Classifier.judge_many = lambda self, texts: broken(self, texts, many)\n",
        "utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    running = serve(LOG_LEVEL="debug")
    for path, body in (("/v1/classify", {"text": f"还钱 {SECRET}"}), (BATCH, {"texts": [f"还钱 {SECRET}"]})) * 3:
        status, answer = running.ask("POST", path, body)
        assert status == 500
        assert SECRET not in answer.decode()
    log = running.stop()
    assert log.count('"error": "RuntimeError"') == 6
    assert SECRET not in log
    assert "Traceback" not in log


def test_many_at_once_get_an_answer_or_are_refused(serve: Serve) -> None:
    running = serve(MAX_IN_PROGRESS="4", MAX_BATCH="5000")
    texts = [f"您第{number}期账单已逾期，请尽快处理" for number in range(4_000)]
    statuses: list[int] = []

    def ask() -> None:
        for _ in range(3):
            statuses.append(running.ask("POST", BATCH, {"texts": texts})[0])

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    healthy = [running.ask("GET", "/health")[0] for _ in range(20)]
    for thread in threads:
        thread.join(120)
    assert set(healthy) == {200}
    assert set(statuses) == {200, 503}
    assert running.ask("POST", "/v1/classify", {"text": "在吗"})[0] == 200
