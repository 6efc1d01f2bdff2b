"""Sweeps that are killed, frozen, starved and cut off: the real engine with a cheap objective.

Each test names the row of the failure that it provokes.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import optuna
import pytest
from mlflow import MlflowClient
from optuna.trial import TrialState

from restock.settings.engine import EngineSettings
from restock.settings.tracking import TrackingSettings
from restock.sweeps.optuna.database import open_storage
from restock.sweeps.optuna.queue import OptunaQueue
from restock.sweeps.optuna.study import OpenStudy
from restock.sweeps.queue import SweepError
from restock.sweeps.spec import freeze
from restock.tracking.mlflow.sender import Sender
from restock.tracking.spool import Spool
from support.cheap_sweep import cheap_settings
from support.forked import python
from support.services import absent, free_port, postgres_database, study_database

TRACKING = TrackingSettings(model_name="m")


def start(folder: Path, url: str, num_trials: int, num_workers: int, **options: Any) -> Any:
    given = [f"{key}={value}" for key, value in options.items()]
    command = [python(), "-m", "support.cheap_sweep", str(folder), url]
    said = Path(tempfile.mkdtemp(dir=folder.parents[1])) / "said.txt"
    with said.open("w") as file:
        process = subprocess.Popen(
            [*command, str(num_trials), str(num_workers), *given],
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    process.said = said  # type: ignore[attr-defined]
    return process


def finish(process: Any, timeout: float = 120) -> str:
    process.wait(timeout)
    return str(process.said.read_text())


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'optuna.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with study_database(request.param, tmp_path) as made:
        yield made


def study(url: str) -> OpenStudy:
    """Open the only sweep there is."""
    storage = open_storage(url, EngineSettings())
    try:
        (name,) = optuna.get_all_study_names(storage)
        return OpenStudy.open(url, name, EngineSettings(), storage)
    except Exception:
        storage.engine.dispose()
        raise


def check_whole(url: str, num_trials: int) -> None:
    """Every trial once, none still running, each attempt with a number of its own."""
    with closing(study(url)) as opened:
        attempts = opened.attempts()
        states = Counter(attempt.state for attempt in attempts)
        assert states[TrialState.COMPLETE] == num_trials
        assert states[TrialState.RUNNING] == states[TrialState.WAITING] == 0
        done = [a.user_attrs["slot"] for a in attempts if a.state == TrialState.COMPLETE]
        assert sorted(done) == list(range(num_trials))
        assert len({attempt.number for attempt in attempts}) == len(attempts)


def rounds_trained(folder: Path) -> Counter[tuple[int, int]]:
    lines = (folder / "rounds.log").read_text().splitlines()
    return Counter((int(line.split()[0]), int(line.split()[1])) for line in lines)


def workers_of(folder: Path) -> list[int]:
    """Process ids of the workers of a sweep, found as a person would."""
    found = subprocess.run(
        ["pgrep", "-f", f"support.cheap_sweep worker {folder}/"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [int(line) for line in found.stdout.split()]


def wait_until(condition: Any, timeout: float = 60) -> None:
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.05)


def num_rounds(folder: Path) -> int:
    log = folder / "rounds.log"
    return len(log.read_text().splitlines()) if log.is_file() else 0


def num_workers(folder: Path) -> int:
    """Count the processes that have trained."""
    return len({line.split()[3] for line in (folder / "rounds.log").read_text().splitlines()})


def runs_sent(folder: Path) -> list[Any]:
    """Send what the sweep left in its spool and return all runs."""
    sender = Sender(Spool(folder / "spool"), TRACKING, folder)
    assert sender.send() == 0
    client, experiment = sender._connect()
    return client.search_runs([experiment], max_results=1000)


def test_1_a_killed_workers_trial_goes_on_from_its_last_round(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    process = start(folder, url, 3, 1, rounds=6, seconds=0.3)
    wait_until(lambda: num_rounds(folder) >= 3)
    os.kill(workers_of(folder)[0], signal.SIGKILL)
    assert "complete 3" in finish(process)
    check_whole(url, 3)
    trained = rounds_trained(folder)
    assert set(trained) == {(slot, done) for slot in range(3) for done in range(6)}
    assert sum(trained.values()) <= 3 * 6 + 1  # at most the round that was cut short
    runs = runs_sent(folder)
    assert {run.info.status for run in runs} <= {"FINISHED", "FAILED"}
    (lost,) = [run for run in runs if run.data.tags.get("restock.state") == "lost"]
    (again,) = [run for run in runs if "restock.retry_of" in run.data.tags]
    assert again.data.tags["restock.retry_of"] == lost.data.tags["restock.key"]
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    curve = client.get_metric_history(again.info.run_id, "wql")
    assert [metric.step for metric in curve] == list(range(1, 7))


def test_2_the_same_command_after_a_killed_launcher_finishes_what_is_left(
    url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "sweep"
    process = start(folder, url, 6, 2, rounds=4, seconds=0.2)
    wait_until(lambda: num_rounds(folder) >= 10)
    process.kill()
    process.wait()
    wait_until(lambda: not workers_of(folder))  # their pipe closed: they gave back what they had
    assert "complete 6" in finish(start(folder, url, 6, 2, rounds=4, seconds=0.2))
    check_whole(url, 6)
    assert set(rounds_trained(folder).values()) == {1}  # nothing was trained twice
    assert {run.info.status for run in runs_sent(folder)} <= {"FINISHED", "KILLED"}


def test_3_random_kills_lose_nothing(any_url: str, tmp_path: Path) -> None:
    """A short form of benchmarks/sweep/kills.py, which kills twenty times."""
    folder, rng = tmp_path / "sweep", random.Random(3)
    options = {"rounds": 5, "seconds": 0.15, "heartbeat": 1, "grace": 3, "max_retries": 50}
    process = start(folder, any_url, 10, 2, **options)
    for _ in range(5):
        time.sleep(rng.uniform(1.0, 2.5))
        alive = [process.pid, *workers_of(folder)] if process.poll() is None else []
        if alive:
            os.kill(rng.choice(alive), signal.SIGKILL)
        if process.poll() is not None or not alive:
            process.wait()
            process = start(folder, any_url, 10, 2, **options)
    if "complete 10" not in finish(process):
        assert "complete 10" in finish(start(folder, any_url, 10, 2, **options))
    check_whole(any_url, 10)
    assert "RUNNING" not in {run.info.status for run in runs_sent(folder)}


def test_4_eight_processes_open_fresh_databases_at_once(any_url: str, tmp_path: Path) -> None:
    command = [python(), "-m", "support.races", "open", any_url, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, errors


def test_4_no_two_processes_take_the_same_trial(any_url: str) -> None:
    frozen = cheap_settings(64)
    sweep = freeze(frozen.model_dump(mode="json"), name=None, data="d", commit="c")
    with closing(OpenStudy.create(any_url, sweep, frozen.engine, 64)) as opened:
        OptunaQueue(opened)._queue_more()
    command = [python(), "-m", "support.races", "take", any_url, sweep.name]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    for process in processes:  # at once
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = [int(line) for process in processes for line in process.communicate()[0].split()]
    assert sorted(taken) == list(range(64))


def test_5_two_launchers_share_a_sweep(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    first = start(folder, url, 12, 1, seconds=0.25)
    wait_until(lambda: num_rounds(folder) >= 1)
    second = start(folder, url, 12, 1, seconds=0.25)
    assert "complete 12" in finish(first)
    assert "complete 12" in finish(second)
    check_whole(url, 12)
    assert num_workers(folder) == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        absent(f"cannot mount a small tmpfs: {mounted.stderr.strip()}")
    yield small
    subprocess.run(["umount", "--lazy", str(small)], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return filler


@pytest.mark.parametrize("full", ["checkpoints", "study"])
def test_10_a_full_disk_ends_cleanly_and_resumes(
    full: str, small_disk: Path, tmp_path: Path
) -> None:
    folder, url = small_disk / "sweep", f"sqlite:///{tmp_path / 'optuna.db'}"
    if full == "study":
        folder, url = tmp_path / "sweep", f"sqlite:///{small_disk / 'optuna.db'}"
    process = start(folder, url, 4, 1, rounds=8, seconds=0.1)
    wait_until(lambda: num_rounds(folder) >= 4)
    filler = fill(small_disk)
    said = finish(process)
    assert process.returncode == 1, said
    assert "no space left" in said
    if full == "checkpoints":
        assert str(folder) in said
        assert "bytes free" in said
    filler.unlink()
    assert not list(folder.rglob("*.partial"))
    options = {"rounds": 8, "seconds": 0.1, "heartbeat": 1, "grace": 2}
    assert "complete 4" in finish(start(folder, url, 4, 1, **options))
    check_whole(url, 4)


def test_13_a_frozen_workers_result_is_refused(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    options = {"rounds": 5, "seconds": 0.2, "heartbeat": 1, "grace": 2}
    process = start(folder, url, 4, 2, **options)
    wait_until(lambda: num_rounds(folder) >= 2)
    frozen = int((folder / "rounds.log").read_text().split()[3])  # the first that has trained
    os.kill(frozen, signal.SIGSTOP)
    wait_until(lambda: _num_attempts(url) > 4 or process.poll() is not None)
    os.kill(frozen, signal.SIGCONT)
    assert "complete 4" in finish(process)
    check_whole(url, 4)
    runs = runs_sent(folder)
    assert "RUNNING" not in {run.info.status for run in runs}
    assert {run.data.tags.get("restock.state") for run in runs} & {"fenced", "lost"}


def _num_attempts(url: str) -> int:
    with closing(study(url)) as opened:
        return len(opened.attempts())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_14_a_first_signal_finishes_the_round_and_the_sweep_resumes(
    url: str, tmp_path: Path, number: int, code: int
) -> None:
    folder = tmp_path / "sweep"
    process = start(folder, url, 4, 2, rounds=6, seconds=0.3)
    wait_until(lambda: num_rounds(folder) >= 4)
    process.send_signal(number)
    said = finish(process)
    assert process.returncode == code, said
    assert "restock resume" in said
    assert "complete 4" in finish(start(folder, url, 4, 2, rounds=6, seconds=0.3))
    check_whole(url, 4)
    assert set(rounds_trained(folder).values()) == {1}


def test_14_a_second_signal_stops_now(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    process = start(folder, url, 2, 1, rounds=2, seconds=60)
    wait_until(lambda: _num_running(url) == 1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    finish(process)
    assert process.returncode == 130
    assert time.monotonic() - started < 20
    assert not workers_of(folder)


def _num_running(url: str) -> int:
    if not Path(url.removeprefix("sqlite:///")).is_file():
        return 0
    try:
        with closing(study(url)) as opened:
            return sum(a.state == TrialState.RUNNING for a in opened.attempts())
    except (ValueError, KeyError, SweepError):
        return 0


def test_11_a_damaged_checkpoint_is_put_aside_and_the_one_before_it_used(
    url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "sweep"
    process = start(folder, url, 1, 1, rounds=8, seconds=0.3)
    wait_until(lambda: num_rounds(folder) >= 4)
    process.send_signal(signal.SIGINT)
    finish(process)
    newest = max((folder / "checkpoints/00000").glob("state-*.npz"))
    newest.write_bytes(newest.read_bytes()[:100])
    assert "complete 1" in finish(start(folder, url, 1, 1, rounds=8, seconds=0.05))
    trained = rounds_trained(folder)
    assert Counter(trained.values()) == {1: 7, 2: 1}  # the damaged round alone, again


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[tuple[str, Any]]:
    """A PostgreSQL cluster of the test's own; yields its URL and what restarts it at once."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    if initdb is None:
        absent("PostgreSQL's initdb is not installed")
    binaries, data, port = Path(str(initdb)).parent, tmp_path / "pg", free_port()
    data.mkdir()
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        for parent in (tmp_path, *tmp_path.parents):
            if parent in (Path("/"), Path("/tmp")):
                break
            parent.chmod(0o755)
        shutil.chown(data, "nobody")
        as_user = ["setpriv", "--reuid=nobody", "--clear-groups"]

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(binaries / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/")

    run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    log = ("-l", str(data / "log"), "-w")
    run("pg_ctl", "-D", str(data), "-o", options, *log, "start")

    def restart() -> None:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "-o", options, *log, "restart")

    try:
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres", restart
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


def test_6_a_restarted_database_loses_no_trial(
    own_postgres: tuple[str, Any], tmp_path: Path
) -> None:
    url, restart = own_postgres
    folder = tmp_path / "sweep"
    process = start(folder, url, 8, 2, rounds=4, seconds=0.2)
    for count in (6, 16):
        wait_until(lambda c=count: num_rounds(folder) >= c)
        restart()
    assert "complete 8" in finish(process)
    check_whole(url, 8)


class Proxy:
    """Passes bytes to a server, and can drop every connection."""

    def __init__(self, target: int) -> None:
        self.target, self.open = target, True
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            if not self.open:
                client.close()
                continue
            upstream = socket.create_connection(("127.0.0.1", self.target))
            self.sockets += [client, upstream]
            for source, target in ((client, upstream), (upstream, client)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            end.close()

    def drop(self) -> None:
        for end in self.sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self.sockets.clear()

    def close(self) -> None:
        self.open = False
        self.drop()
        self.server.close()


def test_6_dropped_connections_lose_no_trial(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    with postgres_database() as direct:
        proxy = Proxy(5432)
        process = start(folder, direct.replace(":5432/", f":{proxy.port}/"), 8, 2, seconds=0.2)
        # Both workers have begun: one that cannot open the study says so and ends.
        wait_until(lambda: num_rounds(folder) >= 5 and num_workers(folder) == 2)
        for _ in range(4):
            proxy.drop()
            time.sleep(0.7)
        proxy.open = False
        proxy.drop()
        time.sleep(3)
        proxy.open = True
        assert "complete 8" in finish(process)
        proxy.close()
        check_whole(direct, 8)


def test_12_a_lock_of_a_dead_process_is_free_and_a_held_one_is_named(tmp_path: Path) -> None:
    from restock.data.locks import file_lock
    from restock.errors import LockedError

    code = (
        "import sys, time; from pathlib import Path\n"
        "from restock.data.locks import file_lock\n"
        "with file_lock(Path(sys.argv[1])):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    path = tmp_path / "a.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    named = pytest.raises(LockedError, match=f"held by process {holder.pid} on .* since 20")
    with named, file_lock(path, timeout=0.2):
        pass
    holder.kill()
    holder.communicate()
    with file_lock(path, timeout=5):
        pass


def test_34_the_same_seed_and_one_worker_repeat_a_sweep(tmp_path: Path) -> None:
    def values(name: str) -> list[dict[str, Any]]:
        url = f"sqlite:///{tmp_path / name}.db"
        options = {"sampler": "tpe", "pruner": "median", "seconds": 0.0}
        finish(start(tmp_path / name, url, 12, 1, **options))
        with closing(study(url)) as opened:
            return [(t.values, t.state, t.outcome) for t in opened.snapshot().result().trials]

    assert values("a") == values("b")
    assert cheap_settings(12).engine.num_workers == 1
