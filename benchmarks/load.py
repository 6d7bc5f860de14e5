"""The service under more than it can take: parallel clients that never rest, on loopback.

Prints answers by status, other errors, the latency of ``/health`` as another process sees it, memory before, during and
after, and how long the service needs to recover; exits 1 when one of the promises in ``PROMISES`` is broken. The load
shares this machine with the service.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from typing import Any

import psutil
from measure import machine
from messages import texts

PROMISES = "no errors but 503 and 429; /health under 200 ms at the 99th percentile; memory flat; recovery within 5 s"
_PAUSE = 0.1  # seconds that a refused client waits, a tenth of what Retry-After asks


def bodies(seed: int = 3) -> list[tuple[str, bytes]]:
    """Sixty requests: two in three single messages, batches of 100 to 1,000, some of the largest allowed."""
    draw, messages = random.Random(seed), texts()
    made: list[tuple[str, Any]] = [("/v1/classify", {"text": draw.choice(messages)}) for _ in range(40)]
    made += [
        ("/v1/classify/batch", {"texts": draw.sample(messages, 100 * n)}) for n in (1, 1, 2, 3, 5, 10) for _ in "123"
    ]
    long = "".join(messages)[:2_500]
    made += [("/v1/classify/batch", {"texts": [long[n:] + long[:n] for n in range(1_000)]})] * 2  # 7.5 MB each
    return [(path, json.dumps(body, ensure_ascii=False).encode()) for path, body in made]


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None) -> int:
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def clients(port: int, count: int, until: float, results: Any) -> None:
    """Run in a process of its own: ``count`` clients, each on one connection, until the clock says ``until``."""
    os.nice(10)  # clients are elsewhere in life; here they must not take the processor from the service
    made, counts, lock = bodies(), Counter[str](), threading.Lock()

    def client(seed: int) -> None:
        draw, connection = random.Random(seed), http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while time.time() < until:
            try:
                outcome = str(ask(connection, "POST", *draw.choice(made)))
            except (OSError, http.client.HTTPException) as error:
                outcome = type(error).__name__
                connection.close()
            with lock:
                counts[outcome] += 1
            if outcome == "503":
                time.sleep(_PAUSE)

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(dict(counts))


def prober(port: int, until: float, results: Any) -> None:
    """Run in a process of its own: the milliseconds that ``/health`` takes, twenty times a second."""
    taken, failed = [], 0
    while time.time() < until:
        started = time.perf_counter()
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                failed += ask(connection, "GET", "/health") != 200
        except OSError:
            failed += 1
        taken.append(1_000 * (time.perf_counter() - started))
        time.sleep(0.05)
    results.put((taken, failed))


def memory(server: subprocess.Popen[bytes]) -> float:
    """Resident megabytes of the service with its workers."""
    root = psutil.Process(server.pid)
    return sum(process.memory_info().rss for process in (root, *root.children(recursive=True))) / 1e6


def wait_ready(port: int) -> float:
    """Seconds until ``/ready`` says 200 and a message is judged within 200 ms."""
    started = time.perf_counter()
    while time.perf_counter() - started < 60:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                if ask(connection, "GET", "/ready") == 200:
                    asked = time.perf_counter()
                    status = ask(connection, "POST", "/v1/classify", json.dumps({"text": "在吗"}).encode())
                    if status == 200 and time.perf_counter() - asked < 0.2:
                        break
        except OSError:
            pass
        time.sleep(0.05)
    return time.perf_counter() - started


def run(port: int, server: subprocess.Popen[bytes], count: int, seconds: int) -> bool:
    results, health = multiprocessing.Queue(), multiprocessing.Queue()
    before, until = memory(server), time.time() + seconds
    load = multiprocessing.Process(target=clients, args=(port, count, until, results))
    probe = multiprocessing.Process(target=prober, args=(port, until, health))
    load.start()
    probe.start()
    samples = []
    while time.time() < until:
        time.sleep(1)
        samples.append(memory(server))
    taken, failed = health.get()
    counts = results.get()  # when the last client has its answer
    recovery = wait_ready(port)
    load.join()
    probe.join()
    time.sleep(2)
    return report(counts, sorted(taken), failed, (before, samples, memory(server)), recovery, seconds)


def report(
    counts: dict[str, int], taken: list[float], failed: int, megabytes: Any, recovery: float, seconds: int
) -> bool:
    before, samples, after = megabytes
    third = len(samples) // 3
    early, late = statistics.median(samples[third : 2 * third]), statistics.median(samples[2 * third :])
    errors = sum(count for status, count in counts.items() if status not in ("200", "503", "429"))
    p99 = taken[int(0.99 * len(taken))]
    print(f"answers in {seconds} s: {dict(sorted(counts.items()))}; other errors: {errors}")
    print(f"/health: {len(taken)} asked, {failed} failed; p50 {statistics.median(taken):.0f} ms, p99 {p99:.0f} ms, "
          f"most {taken[-1]:.0f} ms")  # fmt: skip
    print(f"memory: {before:.0f} MB before, {early:.0f} MB in the middle third, {late:.0f} MB in the last, "
          f"{max(samples):.0f} MB at most, {after:.0f} MB after")  # fmt: skip
    print(f"recovery: {recovery:.2f} s after the last client's answer")
    return not errors and not failed and p99 < 200 and late < 1.1 * early and recovery < 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    print(f"{machine()}; {options.clients} clients, {options.workers} worker(s)")
    command = [sys.executable, "-m", "harassclf", "serve", "--port", str(port), "--workers", str(options.workers)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "HARASSCLF_LOG_LEVEL": "warning"})
    try:
        wait_ready(port)
        kept = run(port, server, options.clients, options.seconds)
    finally:
        server.terminate()
        server.wait(60)
    print(f"{'kept' if kept else 'BROKEN'}: {PROMISES}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
