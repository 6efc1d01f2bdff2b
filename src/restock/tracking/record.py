"""Log what a run was made from: code, data, settings, environment, machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import yaml

from restock.settings.base import masked
from restock.tracking.memory import NullTracker
from restock.tracking.protocol import Dataset, Origin, Tracker
from restock.tracking.revision import changes, dvc_remote
from restock.types import layout

FOLDER = "lineage"
CONFIG, INPUTS_FILE = "config.yaml", "inputs.json"
ENVIRONMENT, PATCH = "environment.txt", "uncommitted.patch"


def with_inputs(origin: Origin, inputs: Mapping[str, str], root: Path) -> Origin:
    """Return the origin of a run that starts now.

    Args:
        origin: Commit and configuration.
        inputs: Hashes of its inputs, by name in the output folder.
        root: The project's folder.
    """
    dataset = None
    if layout.PANEL in inputs:
        path = (Path(origin.config["output_dir"]) / layout.PANEL).as_posix()
        at = (inputs[layout.PANEL], dvc_remote(root), origin.commit)
        dataset = Dataset(origin.config["data"]["name"], path, *at)
    return replace(origin, patch=changes(root), inputs=inputs, dataset=dataset)


def log_config(run: Tracker, config: Mapping[str, Any]) -> None:
    """Log the whole composed configuration, without passwords."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / CONFIG
        text = yaml.safe_dump(masked(dict(config)), sort_keys=False)
        path.write_text(text, encoding="utf-8")
        run.log_artifact(path)


def log_origin(run: Tracker, origin: Origin) -> None:
    """Log all that is needed to run it again, or to explain why that is not possible."""
    if isinstance(run, NullTracker):  # it records nothing, and collecting this takes time
        return
    log_config(run, origin.config)
    installed = environment()
    params = json.dumps(masked(dict(origin.config)), sort_keys=True).encode()
    run.set_tags(
        {
            "restock.commit": origin.commit,
            "restock.params": hashlib.sha256(params).hexdigest(),
            "restock.environment": fingerprint(installed),
            "restock.hardware": hardware(),
            "restock.seed": str(origin.config["seed"]),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / ENVIRONMENT).write_text("\n".join(installed) + "\n", encoding="utf-8")
        inputs = json.dumps(dict(origin.inputs or {}), indent=1) + "\n"
        (path / INPUTS_FILE).write_text(inputs, encoding="utf-8")
        if origin.patch:
            (path / PATCH).write_text(
                origin.patch, encoding="utf-8", errors="surrogateescape", newline=""
            )
        for file in sorted(path.iterdir()):
            run.log_artifact(file, FOLDER)
    if origin.dataset is not None:
        run.log_dataset(origin.dataset)


def environment() -> list[str]:
    """Return the versions of Python and of all installed packages, one per line, sorted."""
    found = {f"{d.metadata['Name'].lower()}=={d.version}" for d in distributions()}
    return [f"python=={platform.python_version()}", *sorted(found)]


def fingerprint(installed: list[str]) -> str:
    """Return a digest of an environment."""
    return hashlib.sha256("\n".join(installed).encode()).hexdigest()


def hardware() -> str:
    """Describe the machine in one line: system, processor, cores and memory."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    machine = f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores"
    return f"{machine}, {pages * size / 2**30:.0f} GiB"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
