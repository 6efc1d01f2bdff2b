"""What every run keeps of what it came from: code, data, settings, environment, machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import yaml

from restock.settings.tree import masked
from restock.tracking.protocol import Origin, Tracker

FOLDER = "lineage"
CONFIG, INPUTS_FILE = "config.yaml", "inputs.json"
ENVIRONMENT, PATCH = "environment.txt", "uncommitted.patch"


def log_config(run: Tracker, settings: dict[str, Any]) -> None:
    """Keep the whole composed configuration with a run, without passwords."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / CONFIG
        path.write_text(yaml.safe_dump(masked(settings), sort_keys=False), encoding="utf-8")
        run.log_artifact(path)


def log_origin(run: Tracker, settings: dict[str, Any], origin: Origin) -> None:
    """Keep with a run all that is needed to run it again, and to say why it cannot be."""
    log_config(run, settings)
    installed = environment()
    params = json.dumps(masked(settings), sort_keys=True).encode()
    run.set_tags(
        {
            "restock.commit": origin.commit,
            "restock.params": hashlib.sha256(params).hexdigest(),
            "restock.environment": fingerprint(installed),
            "restock.hardware": hardware(),
            "restock.seed": str(settings["seed"]),
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
    """Return Python and what is installed, a line each, sorted."""
    found = {f"{d.metadata['Name'].lower()}=={d.version}" for d in distributions()}
    return [f"python=={platform.python_version()}", *sorted(found)]


def fingerprint(installed: list[str]) -> str:
    """Return a digest of an environment."""
    return hashlib.sha256("\n".join(installed).encode()).hexdigest()


def hardware() -> str:
    """Return the machine in a line: system, processor, cores and memory."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    machine = f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores"
    return f"{machine}, {pages * size / 2**30:.0f} GiB"


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
