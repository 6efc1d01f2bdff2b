"""Commands as real processes, forked from one that has imported what they need already.

A process from scratch imports TensorFlow and MLflow for longer than a small command takes. One that
is forked has files, a folder, an environment and an exit code of its own, too. It is asked for over
a socket: by :func:`restock`, and by the program of that name from :func:`program`, which DVC runs.

    python -m support.typed ADDRESS MODULE...            (the process that they are forked from)
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
COMPOSING = ("restock.cli.compose", "restock.cli.dispatch", "restock.cli.help")
TRAINING = (
    *COMPOSING,
    "restock.champions.promote",
    "restock.forecasters.baselines.trees",
    "restock.forecasters.lstm.save",
    "restock.stages.evaluate",
    "restock.stages.train",
    "restock.sweeps.launch",
    "restock.tracking.mlflow.tracker",
)
INHERITED = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "RESTOCK_PIPELINE")
imported = list(COMPOSING)  # those that train need TRAINING: the integration tests' conftest.py
PROGRAM = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    socket.send_fds(server, [b" "], [0, 1, 2])
    asked = [sys.argv[1:], os.getcwd(), dict(os.environ)]
    server.sendall(json.dumps(asked).encode() + b"\\n")
    sys.exit(int(server.makefile().read() or 1))
"""


def restock(*arguments: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, as if it were typed there, with no store that is inherited."""
    own = {name: value for name, value in os.environ.items() if name not in INHERITED}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = _ask(arguments, cwd, own | env, out, err)
        said = [(file.seek(0), file.read())[1] for file in (out, err)]
    return subprocess.CompletedProcess(arguments, code, *said)


def _ask(
    arguments: tuple[str, ...], cwd: Path, env: Mapping[str, str], out: IO[str], err: IO[str]
) -> int:
    with socket.socket(socket.AF_UNIX) as server, Path(os.devnull).open() as nothing:
        server.connect(str(_address()))
        socket.send_fds(server, [b" "], [nothing.fileno(), out.fileno(), err.fileno()])
        asked = [list(arguments), str(cwd), dict(env)]
        server.sendall(json.dumps(asked).encode() + b"\n")
        return int(server.makefile().read() or 1)


@cache
def program(python: str = sys.executable, modules: tuple[str, ...] = ()) -> Path:
    """Return a folder with a program `restock` that starts at once; put it first on the path.

    Args:
        python: Of the environment whose code is run.
        modules: What a command needs there; none: what this environment's does.
    """
    address = _address(python, modules)
    path = address.with_name("bin") / "restock"
    path.parent.mkdir()
    path.write_text(PROGRAM.format(python=sys.executable, address=str(address)))
    path.chmod(0o755)
    return path.parent


@cache
def _address(python: str = sys.executable, modules: tuple[str, ...] = ()) -> Path:
    """Start the process that commands are forked from; return where it listens."""
    folder = Path(tempfile.mkdtemp(prefix="restock-"))
    wanted = modules or imported
    command = [python, "-m", "support.typed", str(folder / "socket"), *wanted]
    server = subprocess.Popen(command, cwd=ROOT / "tests")
    atexit.register(shutil.rmtree, folder)
    atexit.register(server.kill)
    while not (folder / "socket").exists():
        assert server.poll() is None
        time.sleep(0.05)
    return folder / "socket"


def serve(address: str, modules: list[str]) -> None:
    """Import modules, and then fork a process for every command that is asked for."""
    before = dict(os.environ)
    for name in modules:
        importlib.import_module(name)
    set_by_them = {name: value for name, value in os.environ.items() if before.get(name) != value}
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{address}.new")
        listening.listen()
        Path(f"{address}.new").rename(address)
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                run(connection, set_by_them)
            connection.close()
            _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def run(connection: socket.socket, set_by_imports: Mapping[str, str]) -> None:
    """Be the process of one command; tell its exit code when all else has ended."""
    from restock.cli.main import main

    _, files, *_ = socket.recv_fds(connection, 1, 3)
    arguments, cwd, env = json.loads(connection.makefile().readline())
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update({**set_by_imports, **env})
    code = 1

    def tell() -> None:
        sys.stdout.flush()
        connection.sendall(str(code).encode())
        connection.close()

    atexit.register(tell)
    code = main(arguments)
    sys.exit(code)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
