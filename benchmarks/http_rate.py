"""HTTP classify (with evidence and categories) against an empty POST route of the same application.

Needs wrk (Debian: apt-get install wrk); the server and the load share this machine.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from measure import machine
from messages import texts

SERVER = """
import uvicorn
from fastapi import FastAPI, Response
from harassclf.service.app import create_app
app = create_app()
@app.post("/empty")
async def empty():
    return Response(b"{}", media_type="application/json")
uvicorn.run(app, port=8765, log_level="error", access_log=False)
"""


def script(messages: list[str]) -> str:
    bodies = ",".join("[==[" + json.dumps({"text": text}) + "]==]" for text in messages)
    return (f"local bodies = {{{bodies}}}\nlocal i = 0\nwrk.method = 'POST'\n"
            "wrk.headers['Content-Type'] = 'application/json'\n"
            "request = function()\n i = i % #bodies + 1\n return wrk.format(nil, nil, nil, bodies[i])\nend\n")  # fmt: skip


def rate(path: str, lua: Path) -> float:
    command = ["wrk", "-t1", "-c8", "-d3s", "-s", str(lua), f"http://127.0.0.1:8765{path}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(output)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))


def wait() -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen("http://127.0.0.1:8765/ready", timeout=1)
            return
        except OSError:
            time.sleep(0.1)


def main() -> None:
    if not shutil.which("wrk"):
        raise SystemExit("http_rate.py: needs wrk (apt-get install wrk)")
    print(machine())
    server = subprocess.Popen([sys.executable, "-c", SERVER])
    try:
        wait()
        with tempfile.TemporaryDirectory() as folder:
            lua = Path(folder) / "post.lua"
            lua.write_text(script([text for text in texts()[::20] if "]==]" not in text][:300]), "utf-8")
            rate("/empty", lua)
            pairs = [(rate("/v1/classify", lua), rate("/empty", lua)) for _ in range(5)]
    finally:
        server.terminate()
    shares = [ours / empty for ours, empty in pairs]
    print(f"HTTP classify, share of an empty route's requests a second: {statistics.median(shares):.2f} "
          f"(rounds {min(shares):.2f} to {max(shares):.2f}; {statistics.median(p[0] for p in pairs):,.0f} a second)")  # fmt: skip


if __name__ == "__main__":
    main()
