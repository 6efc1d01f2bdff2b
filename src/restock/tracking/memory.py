"""Trackers without a server: one that records nothing, and one for tests that keeps everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restock.tracking.protocol import Dataset


class NullTracker:
    """Records nothing."""

    run_id: str | None = None

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Do nothing."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Do nothing."""

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Do nothing."""

    def log_dataset(self, dataset: Dataset) -> None:
        """Do nothing."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Do nothing."""

    @contextmanager
    def child(self, name: str, key: str | None = None) -> Iterator[NullTracker]:  # noqa: ARG002
        """Open a run that records nothing either."""
        yield NullTracker()

    def spool(self) -> Path | None:
        """Return None: other processes also record nothing."""
        return None


@dataclass
class MemoryTracker:
    """Remembers everything, for tests."""

    name: str = "root"
    run_id: str | None = None
    status: str = "RUNNING"
    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, list[tuple[int | None, float]]] = field(default_factory=dict)
    artifacts: list[tuple[Path, str | None]] = field(default_factory=list)
    datasets: list[Dataset] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    children: list[MemoryTracker] = field(default_factory=list)

    def log_dataset(self, dataset: Dataset) -> None:
        """Remember the data."""
        self.datasets.append(dataset)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Remember the parameters."""
        self.params.update(params)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Remember the metrics in the order they came."""
        for key, value in metrics.items():
            self.metrics.setdefault(key, []).append((step, value))

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Remember which file was kept."""
        self.artifacts.append((path, folder))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Remember the tags."""
        self.tags.update(tags)

    @contextmanager
    def child(self, name: str, key: str | None = None) -> Iterator[MemoryTracker]:  # noqa: ARG002
        """Open a nested run and remember how it ended."""
        run = MemoryTracker(name)
        self.children.append(run)
        try:
            yield run
        except BaseException:
            run.status = "FAILED"
            raise
        run.status = "FINISHED"

    def spool(self) -> Path | None:
        """Return None: other processes cannot write to this one's memory."""
        return None
