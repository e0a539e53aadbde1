"""Without a tracking server set the program speaks to nobody: asked of Python itself, which tells of every attempt."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CODE = """
import json, os, sys

seen = []
NETWORK = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
           "urllib.Request", "http.client.connect", "ftplib.connect", "smtplib.connect")

def hook(event, told):
    if event in NETWORK and not (event.startswith("socket.") and str(told[-1]).startswith("/")):
        seen.append(f"{event} {told[1:]}")

sys.addaudithook(hook)
os.environ.pop("MLFLOW_DISABLE_TELEMETRY", None)  # the tests' own, which would hide that the program forgot it
from pdm_desktop import cli

folder, out = sys.argv[1:]
for words in (
    ["demo", "--machines", "6", "--days", "90"],
    ["retrain", "--params", "rounds=10", "max_depth=3", "--promote", "always"],
    ["models", "list"],
    ["models", "export", "champion", "--out", out],
    ["score"],
):
    code = cli.run(cli.parse(["--workspace", folder, "--json", *words]))
    assert code in (0, 1), (words, code)
sys.stderr.write("SEEN " + json.dumps(seen))
"""


def test_training_scoring_and_models_ask_the_network_for_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", CODE, str(tmp_path / "ws"), str(tmp_path / "model.zip")]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stderr.rpartition("SEEN ")[2]) == []
