"""Programs as real processes, forked from one that has imported what they need already.

A process from scratch imports TensorFlow and MLflow for longer than a small command takes. One that
is forked has files, a folder, an environment, signals and an exit code of its own, too. It is asked
for over a socket: by :func:`run`, and by the programs `restock` and `python` of :func:`programs`.
DVC runs the first; a sweep starts its workers by the second. `python -c` is forked from another
process, which has imported nothing of this package: a promotion loads a registered model by it.

    python -m support.forked ADDRESS MODULE...            (the process that they are forked from)
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
COMPOSING = (
    *("restock.cli.arguments", "restock.cli.compose", "restock.cli.dispatch", "restock.cli.help"),
    "restock.cli.main",
)
PROMOTING = "restock.champions.promote"  # loads models by `python -c`
TRAINING = (
    *COMPOSING,
    PROMOTING,
    "restock.forecasters.baselines.trees",
    "restock.forecasters.lstm.save",
    "restock.stages.evaluate",
    "restock.stages.train",
    "restock.sweeps.launch",
    "restock.tracking.mlflow.tracker",
    "support.warm",
)
CLEAN = ("mlflow.pyfunc", "onnxruntime", "pandas", "pyarrow.parquet")
SOCKET, CLEAN_SOCKET = "socket", "clean"
imported = list(COMPOSING)  # those that train need TRAINING: the integration tests' conftest.py
PROGRAM = """\
#!{python} -IS
import json, os, signal, socket, sys, time
name, words, address = "restock.cli.main", sys.argv[1:], {address!r}
if os.path.basename(sys.argv[0]) == "python":
    if words[:1] not in {kinds!r} or os.environ.get("PYTHONPATH") != {path!r}:  # from scratch
        os.execv({python!r}, [{python!r}, *words])
    if words[0] == "-c":
        name, words, address = "-c", words[1:], {clean!r}
    else:
        name, words = words[1], words[2:]
for _ in range(2400):  # two minutes; it is still importing
    if os.path.exists(address):
        break
    time.sleep(0.05)
with socket.socket(socket.AF_UNIX) as server:
    server.connect(address)
    socket.send_fds(server, [b" "], [0, 1, 2])
    server.sendall(json.dumps([name, words, os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    for number in (0, 1):
        os.close(number)  # they are the other process's now
    told = server.makefile()
    process = int(told.readline())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(process, number))
    code = told.read()
    if not code:  # it was killed
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(int(code))
"""


def run(
    module: str, words: Sequence[str], cwd: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a module as a program in a folder, without input."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = _ask([module, list(words), str(cwd), dict(env)], out, err)
        said = [(file.seek(0), file.read())[1] for file in (out, err)]
    return subprocess.CompletedProcess(words, code, *said)


def _ask(asked: list[object], out: IO[str], err: IO[str]) -> int:
    with socket.socket(socket.AF_UNIX) as server, Path(os.devnull).open() as nothing:
        server.connect(str(programs().with_name(SOCKET)))
        socket.send_fds(server, [b" "], [nothing.fileno(), out.fileno(), err.fileno()])
        server.sendall(json.dumps(asked).encode() + b"\n")
        told = server.makefile()
        told.readline()
        return int(told.read() or -signal.SIGKILL)


def python() -> str:
    """Return the program that starts `-m MODULE` at once."""
    return str(programs() / "python")


@cache
def programs(python: str = sys.executable, modules: tuple[str, ...] = ()) -> Path:
    """Return a folder with programs that start at once: `restock`, and `python`.

    Args:
        python: Of the environment whose code is run.
        modules: What a command needs there; none: what this environment's does.
    """
    mine = Path(python).parents[1] / SOCKET
    if mine.exists():  # this process was forked itself
        return mine.with_name("bin")
    folder = Path(tempfile.mkdtemp(prefix="restock-"))
    atexit.register(shutil.rmtree, folder)
    address = folder / SOCKET
    (folder / "bin").mkdir()
    modules = modules or tuple(imported)
    promoting = PROMOTING in modules
    clean = folder / CLEAN_SOCKET
    program = PROGRAM.format(
        python=python,
        kinds=[["-m"], ["-c"]] if promoting else [["-m"]],
        path=os.environ.get("PYTHONPATH"),
        address=str(address),
        clean=str(clean),
    )
    for name in ("restock", "python"):
        path = folder / "bin" / name
        path.write_text(program)
        path.chmod(0o755)
    server = _start(python, address, modules)
    if promoting:
        _start(python, clean, CLEAN)
    while not address.exists():
        assert server.poll() is None
        time.sleep(0.05)
    return folder / "bin"


def _start(python: str, address: Path, modules: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the process that others are forked from; it is there once its socket is."""
    command = [python, "-m", "support.forked", str(address), *modules]
    server = subprocess.Popen(command, cwd=ROOT / "tests")
    atexit.register(server.kill)
    return server


def serve(address: str, modules: list[str]) -> None:
    """Import modules, and then fork a process for every command that is asked for."""
    before = dict(os.environ)
    for name in modules:
        importlib.import_module(name)
    gc.freeze()  # what was imported stays: no process looks through it for what it could free
    set_by_them = {name: value for name, value in os.environ.items() if before.get(name) != value}
    sys.executable = str(Path(address).with_name("bin") / "python")  # workers start at once, too
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{address}.new")
        listening.listen()
        Path(f"{address}.new").rename(address)
        while True:
            connection, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _answer(connection, set_by_them)
            connection.close()
            _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _answer(connection: socket.socket, set_by_imports: Mapping[str, str]) -> None:
    """Be the process of one program; tell its exit code when all else has ended."""
    os.setsid()
    _, files, *_ = socket.recv_fds(connection, 1, 3)
    module, words, cwd, env = json.loads(connection.makefile().readline())
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update({**set_by_imports, **env})
    connection.sendall(b"%d\n" % os.getpid())
    threading.Thread(target=_die_with, args=[connection], daemon=True).start()
    code = _run(module, words)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(b"%d" % code)
    os._exit(code)  # modules need not be taken down one by one


def _die_with(asking: socket.socket) -> None:
    """Be killed as soon as who asked is, and with it what has no session of its own."""
    asking.recv(1)
    os.killpg(0, signal.SIGKILL)


def _run(module: str, words: list[str]) -> int:
    """Run a module as Python would with `-m`, or code with `-c`; return its exit code."""
    code = words.pop(0) if module == "-c" else None
    sys.argv = [module, *words]
    sys.path.insert(0, "")
    warnings.filterwarnings("ignore", ".*found in sys.modules", RuntimeWarning)
    try:
        if code is not None:
            exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
        else:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
