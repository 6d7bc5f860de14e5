"""What stands before the routes: limits, keys, rate, headers; in this process."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("httpx2")
from fastapi.testclient import TestClient

from harassclf import Classifier
from harassclf.cli import main
from harassclf.errors import SettingsError
from harassclf.keys import key_line, new_key, read_keys
from harassclf.service.app import create_app
from harassclf.service.classify import _slices
from harassclf.service.limits import Limits, Load
from harassclf.service.logs import JsonLines
from harassclf.service.metrics import Metrics
from harassclf.service.rate import Buckets, client_of
from harassclf.settings import Settings

SECRET = "独此一句绝密短语"  # noqa: S105
CLASSIFY, BATCH = "/v1/classify", "/v1/classify/batch"


@contextmanager
def service(**chosen: Any) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(**chosen)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with service(max_body=200_000) as client:
        yield client


def _code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# Headers, documentation, origins, hosts


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/health", None),
        ("GET", "/metrics", None),
        ("GET", "/nope", None),
        ("GET", CLASSIFY, None),
        ("GET", "/docs/start.js", None),
        ("POST", CLASSIFY, b'{"text": "1"}'),
        ("POST", CLASSIFY, b"{"),
        ("POST", CLASSIFY, b"x" * 300_000),
    ],
)
def test_every_answer_has_the_security_headers(
    client: TestClient, method: str, path: str, content: bytes | None
) -> None:
    headers = client.request(method, path, content=content).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers
    assert headers["x-request-id"]


def test_documentation_loads_nothing_from_outside(client: TestClient) -> None:
    page = client.get("/docs")
    assert "://" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    for name, kind in (("swagger-ui-bundle.js", "javascript"), ("swagger-ui.css", "css"), ("start.js", "javascript")):
        assert f"docs/{name}" in page.text
        assert kind in client.get(f"/docs/{name}").headers["content-type"]
    for name in ("redoc.standalone.js", "..%2f__init__.py", "nope"):
        assert client.get(f"/docs/{name}").status_code == 404


def test_other_origins_only_where_set(client: TestClient) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in client.options(CLASSIFY, headers=asked).headers
    with service(cors_origins=("https://a.example",)) as open_to_one:
        allowed = open_to_one.options(CLASSIFY, headers=asked | {"Access-Control-Request-Headers": "Authorization"})
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://a.example")
        refused = open_to_one.options(CLASSIFY, headers=asked | {"Origin": "https://b.example"})
        assert "access-control-allow-origin" not in refused.headers


def test_only_the_hosts_that_are_set() -> None:
    with service(allowed_hosts=("check.example", "*.inner.example")) as client:
        for host in ("check.example", "CHECK.example:8000", "a.inner.example"):
            assert client.get("/v1/model", headers={"Host": host}).status_code == 200
        for host in ("evil.example", "inner.example", "check.example.evil.example", "", "127.0.0.1"):
            assert _code(client.get("/v1/model", headers={"Host": host})) == (400, "host_unknown")
        assert client.get("/health", headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_a_request_id_of_a_proxy_is_kept_and_no_other(client: TestClient) -> None:
    for given, kept in (("0123456789abcdef" * 2, True), ("13800000000", False), ("x" * 500, False)):
        assert (client.get("/health", headers={"X-Request-ID": given}).headers["x-request-id"] == given) is kept


# Keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    path, first, second = tmp_path_factory.mktemp("keys") / "keys", new_key(), new_key()
    path.write_text(f"# who may ask\n{key_line('office', first)}\n\n{key_line('night.shift', second)}  # till June\n")
    return path, first, second


@pytest.fixture(scope="module")
def guarded(keys: tuple[Path, str, str]) -> Iterator[TestClient]:
    with service(api_keys=keys[0]) as client:
        yield client


def test_work_wants_a_known_key(guarded: TestClient, keys: tuple[Path, str, str]) -> None:
    for key in keys[1:]:
        asked = {"Authorization": f"Bearer {key}"}
        assert guarded.post(CLASSIFY, json={"text": "在吗"}, headers=asked).status_code == 200
        assert guarded.post(BATCH, json={"texts": ["在吗"]}, headers={"Authorization": f"bearer {key}"}).is_success
        assert guarded.get("/v1/model", headers=asked).status_code == 200


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "key_missing"),
        ("", "key_missing"),
        ("Bearer", "key_missing"),
        ("Bearer  ", "key_missing"),
        ("Basic YTpi", "key_missing"),
        ("Bearer wrong", "key_unknown"),
        ("Bearer hclf_" + "x" * 43, "key_unknown"),
        ("Bearer " + "é" * 20, "key_unknown"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", CLASSIFY), ("POST", BATCH), ("GET", "/v1/model"), ("GET", "/v1/x")]
)
def test_no_work_without_a_known_key(guarded: TestClient, value: str | None, code: str, method: str, path: str) -> None:
    headers = {} if value is None else {"Authorization": value.encode("latin-1")}
    answer = guarded.request(method, path, headers=headers, json={"text": SECRET})
    assert _code(answer) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert value is None or not value[7:].strip() or value[7:] not in answer.text


def test_a_hash_is_no_key(guarded: TestClient, keys: tuple[Path, str, str]) -> None:
    digest = keys[0].read_text("utf-8").split("office ")[1].split()[0]
    assert guarded.get("/v1/model", headers={"Authorization": f"Bearer {digest}"}).status_code == 401


def test_probes_page_and_documentation_need_no_key(guarded: TestClient) -> None:
    for path in ("/health", "/ready", "/metrics", "/", "/docs", "/openapi.json"):
        assert guarded.get(path).status_code == 200
    operations = guarded.get("/openapi.json").json()["paths"]
    assert operations[CLASSIFY]["post"]["security"] == [{"key": []}]
    assert "security" not in operations["/health"]["get"]


def test_a_command_makes_a_key_that_its_line_knows(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["key", "--name", "office"]) == 0
    key, line = capsys.readouterr().out.split("\n", 1)
    (tmp_path / "keys").write_text(line)
    assert key not in line
    assert len(key) > 40
    assert list(read_keys(tmp_path / "keys").values()) == ["office"]
    with service(api_keys=tmp_path / "keys") as client:
        assert client.get("/v1/model", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert main(["key", "--name", "two words"]) == 2


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "holds no key"),
        (b"# nothing\n", "holds no key"),
        (b"hclf_secret", "line 1"),
        (b"\noffice hclf_secret\n", "line 2"),
        (b"office " + b"A" * 64, "line 1"),
        (b"office " + b"a" * 64 + b" more", "line 1"),
        (b"\xff\xfe\x00", "is not text"),
        (None, "cannot be read"),
    ],
)
def test_an_unusable_file_of_keys_is_one_line(tmp_path: Path, content: bytes | None, found: str) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=found) as refused:
        read_keys(path)
    assert "hclf_secret" not in str(refused.value)


# Rate


@pytest.mark.parametrize(
    ("times", "taken"),
    [
        ([0, 0, 0, 0], [True, True, True, False]),  # the burst and no more
        ([0, 0, 0, 0.9, 1.0, 1.0], [True, True, True, False, True, False]),  # one a second comes back
        ([0, 0, 0, 100, 100, 100, 100], [True] * 6 + [False]),  # a long silence saves up the burst only
        ([0, 1, 2, 3, 4, 5, 6, 7], [True] * 8),
    ],
)
def test_buckets(times: list[float], taken: list[bool]) -> None:
    buckets = Buckets(per_minute=60, burst=3)
    assert [buckets.take("a", now) == 0 for now in times] == taken


def test_buckets_are_apart_tell_the_wait_and_forget() -> None:
    buckets = Buckets(per_minute=6, burst=1, clients=100)
    assert [buckets.take("a", 0.0), buckets.take("b", 0.0), buckets.take("a", 4.0)] == [0.0, 0.0, 6.0]
    for number in range(1_000):
        buckets.take(str(number), 1.0)
    assert len(buckets._full_at) == 100


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_address_is_a_client(host: str, client: str) -> None:
    assert client_of({"client": (host, 1)}) == client


def test_too_many_requests_are_429(keys: tuple[Path, str, str]) -> None:
    with service(rate_limit=1, rate_burst=3, api_keys=keys[0]) as client:
        for key in keys[1:]:
            asked = {"Authorization": f"Bearer {key}"}
            answers = [client.post(CLASSIFY, json={"text": "在吗"}, headers=asked) for _ in range(4)]
            assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
            assert _code(answers[3]) == (429, "rate_limited")
            assert 0 < int(answers[3].headers["retry-after"]) <= 60
            assert client.get("/v1/model", headers=asked).status_code == 200
        assert client.get("/health").status_code == 200
        metrics = client.get("/metrics").text
        assert 'harassclf_rejected_total{reason="rate_limited"} 2.0' in metrics
        assert 'harassclf_requests_total{route="/v1/classify",status="429"} 2.0' in metrics


# In progress


def test_more_than_fits_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    release, started = threading.Event(), threading.Semaphore(0)
    judge = Classifier.judge_many

    def slow(self: Classifier, texts: Any) -> Any:
        started.release()
        assert release.wait(30)
        return judge(self, texts)

    with service(max_in_progress=3, threads=3) as client, ThreadPoolExecutor(3) as pool:
        monkeypatch.setattr(Classifier, "judge_many", slow)
        waiting = [pool.submit(client.post, BATCH, json={"texts": ["在吗"]}) for _ in range(3)]
        for _ in waiting:
            assert started.acquire(timeout=30)
        for path, body in ((CLASSIFY, {"text": "在吗"}), (BATCH, {"texts": ["在吗"]})):
            answer = client.post(path, json=body)
            assert _code(answer) == (503, "overloaded")
            assert answer.headers["retry-after"]
        assert _code(client.get("/ready")) == (503, "overloaded")
        assert client.get("/health").status_code == 200
        metrics = client.get("/metrics").text
        assert "harassclf_in_progress 3.0" in metrics
        assert 'harassclf_rejected_total{reason="overloaded"} 2.0' in metrics
        release.set()
        assert [answer.result().status_code for answer in waiting] == [200, 200, 200]
        assert client.post(CLASSIFY, json={"text": "在吗"}).status_code == 200
        client.app.state.load._refused -= 60  # a minute passes
        assert client.get("/ready").status_code == 200
        assert "harassclf_in_progress 0.0" in client.get("/metrics").text


async def _answered(
    limits: Limits, messages: list[Any], headers: list[tuple[bytes, bytes]], path: str = CLASSIFY
) -> list[Any]:
    sent: list[Any] = []
    waiting = iter(messages)

    async def receive() -> Any:
        message = next(waiting, None)
        if message is None:
            await asyncio.sleep(3_600)
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    await limits(scope, receive, send)
    return sent


def _chunk(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("messages", "length", "status"),
    [
        ([_chunk(b"ab"), _chunk(b"c", more=False)], b"3", 200),
        ([_chunk(b"ab")], b"3", 408),  # the rest never comes
        ([], b"3", 408),
        ([_chunk(b"x" * 60), _chunk(b"x" * 60)], b"3", 413),  # more than announced
        ([_chunk(b"x" * 60), _chunk(b"x" * 60)], None, 413),
        ([_chunk(b"x")], b"1" + b"0" * 30, 413),
        ([_chunk(b"ab"), {"type": "http.disconnect"}], b"3", None),  # half a body is not judged
    ],
)
def test_bodies_have_a_size_and_a_time(
    monkeypatch: pytest.MonkeyPatch, messages: list[Any], length: bytes | None, status: int | None
) -> None:
    metrics, bodies = Metrics(), []
    load = Load(Settings(max_body=100), metrics)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200})

    limits = Limits(app, Settings(max_body=100), load, metrics)
    monkeypatch.setattr(limits, "_seconds", 0.05)
    header = (b"transfer-encoding", b"chunked") if length is None else (b"content-length", length)
    sent = asyncio.run(_answered(limits, messages, [header]))
    assert (sent[0]["status"] if sent else None) == status
    assert bodies == ([b"abc"] if status == 200 else [])
    assert (load._held, load._running) == (0, 0)


def test_an_upload_that_stalls_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    load = Load(Settings(), Metrics())

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass

    limits = Limits(app, Settings(), load, Metrics())
    monkeypatch.setattr(limits, "_seconds", 0.05)
    sent = asyncio.run(_answered(limits, [_chunk(b"a")], [(b"content-length", b"9")], path="/v1/files"))
    assert sent[0]["status"] == 408
    assert load._uploading == 0


def test_bytes_held_are_bounded() -> None:
    load = Load(Settings(max_body=100), Metrics())
    limits = Limits(lambda *_: asyncio.sleep(0), Settings(max_body=100), load, Metrics())  # type: ignore[arg-type]
    load.hold(350)  # of others
    sent = asyncio.run(_answered(limits, [_chunk(b"x" * 60, more=False)], [(b"content-length", b"60")]))
    assert sent[0]["status"] == 503
    assert load._held == 350
    assert load.overloaded


# What is told


def test_a_log_line_is_json_and_holds_no_text() -> None:
    try:
        raise RuntimeError(SECRET)
    except RuntimeError as error:
        info = (type(error), error, error.__traceback__)
    for name, message in (("asyncio", SECRET), ("uvicorn.error", "Exception in ASGI application\n")):
        record = logging.LogRecord(name, logging.ERROR, "x.py", 7, message, None, info)
        line = JsonLines().format(record)
        assert {"time", "level", "event", "error", "place"} <= set(json.loads(line))
        assert "\n" not in line
        assert SECRET not in line


def test_a_request_is_one_event_under_its_route(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "harassclf")
    client.post(CLASSIFY, json={"text": SECRET})
    client.get(f"/{SECRET}?q={SECRET}")
    client.request(f"X{'A' * 20}", "/nope")
    client.get("/health")
    events = [record.fields for record in caplog.records if record.name == "harassclf"]  # type: ignore[attr-defined]
    assert [(e["method"], e["route"], e["status"]) for e in events] == [
        ("POST", CLASSIFY, 200),
        ("GET", "unknown", 404),
        ("?", "unknown", 404),
    ]
    assert all(e.keys() == {"id", "method", "route", "status", "ms"} for e in events)


def test_addresses_and_lines_as_set(caplog: pytest.LogCaptureFixture, keys: tuple[Path, str, str]) -> None:
    caplog.set_level(logging.INFO, "harassclf")
    with service(log_addresses=True, api_keys=keys[0]) as client:
        client.post(CLASSIFY, json={"text": "在吗"}, headers={"Authorization": f"Bearer {keys[1]}"})
    fields = caplog.records[-1].fields  # type: ignore[attr-defined]
    assert (fields["address"], fields["key"]) == ("testclient", "office")
    assert keys[1] not in caplog.text
    caplog.clear()
    with service(log_requests=False) as client:
        client.post(CLASSIFY, json={"text": "在吗"})
    assert not [record for record in caplog.records if record.name == "harassclf"]


@pytest.mark.parametrize(
    "texts", [[], ["长" * 10_000] * 200, ["短"] * 1_000, [None, "长" * 40_000, "", 5], ["a"] * 5 + ["长" * 99_999]]
)
def test_slices_are_the_batch_and_not_too_many(texts: list[Any]) -> None:
    slices = list(_slices(texts))
    assert [text for some in slices for text in some] == texts
    assert len(slices) <= 17
    assert all(slices)


def _malformed(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Bodies as broken clients and attackers send them: valid ones cut, flipped, nested, wrongly encoded or typed."""
    draw = random.Random(seed)
    good = [json.dumps({"text": "再不还钱就爆你通讯录"}), json.dumps({"texts": ["在吗", "还钱"]}, ensure_ascii=False)]
    values = [
        "null",
        "1e999",
        "-0",
        "NaN",
        "[]",
        "{}",
        '"\\ud800"',
        '"\\u0000"',
        "true",
        '"' + "长" * 10_001 + '"',
        "9" * 5_000,
    ]
    for _ in range(count):
        body = draw.choice(good).encode(draw.choice(["utf-8", "utf-16", "utf-8-sig"]))
        kind = draw.randrange(6)
        if kind == 0:
            body = body[: draw.randrange(len(body))]
        elif kind == 1:
            place = draw.randrange(len(body))
            body = body[:place] + draw.randbytes(draw.randrange(1, 4)) + body[place + 1 :]
        elif kind == 2:
            body = draw.choice([b"[", b'{"text":', b'{"texts":[']) * draw.randrange(1, 5_000)
        elif kind == 3:
            body = draw.randbytes(draw.randrange(200))
        elif kind == 4:
            body = ('{"%s": %s}' % (draw.choice(["text", "texts", "x"]), draw.choice(values))).encode()  # noqa: UP031
        else:
            body = ('{"texts": [%s]}' % ",".join(draw.choices(values, k=draw.randrange(1, 5)))).encode()  # noqa: UP031
        yield draw.choice([CLASSIFY, BATCH, "/v1/precheck", "/v1/timeline"]), body


def test_2000_malformed_bodies_are_never_a_500(client: TestClient) -> None:
    kinds = ("application/json", "text/plain", "application/x-www-form-urlencoded", "")
    for number, (path, body) in enumerate(_malformed(seed=5, count=2_000)):
        answer = client.post(path, content=body, headers={"content-type": kinds[number % 4]})
        assert answer.status_code in (200, 400, 422), (path, body)
        assert answer.is_success or answer.json()["error"].keys() == {"code", "message"}
