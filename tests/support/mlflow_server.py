"""An MLflow server of a test's own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from support.forked import python
from support.services import free_port, wait_for

QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


class Server:
    """An MLflow server that can be killed and started again.

    Args:
        folder: Its database and artifacts, where nothing else is said; its log.
        options: Of `mlflow server`; later ones win over those that are set here.
        environment: Variables that it needs.
        port: Where it listens; none: a free one.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self.folder, self.port, self.options = folder, port or free_port(), options
        self.uri = f"http://127.0.0.1:{self.port}"
        self.environment = dict(environment or {})
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        store = f"sqlite:///{self.folder / 'server.db'}"
        artifacts = str(self.folder / "artifacts")
        command = [
            python(), "-m", "mlflow", "server", "--backend-store-uri", store,
            "--artifacts-destination", artifacts, "--host", "127.0.0.1", "--port", str(self.port),
            "--workers", "1", *self.options,
        ]  # fmt: skip
        log = self.folder / "server.log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=out, start_new_session=True, cwd=self.folder,
                env={**os.environ, **QUIET, **self.environment},
            )  # fmt: skip
        wait_for(f"{self.uri}/health", log)

    def kill(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
