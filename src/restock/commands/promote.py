"""Register the scored bundle and, if it beats every baseline, make it champion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from restock.config import Settings
from restock.data.store import read_json, write_json
from restock.errors import ConfigError
from restock.evaluation.report import log_report
from restock.evaluation.selection import check_scored
from restock.forecasters.bundle import load_bundle
from restock.forecasters.names import LSTM
from restock.promotion.verdict import Verdict, judge
from restock.tracking.mlflow.registry import ModelVersion, Registry
from restock.tracking.mlflow.tracker import (
    BUNDLE_TAG,
    COMMAND_TAG,
    close_pipeline,
    connect,
    open_run,
)
from restock.types import layout
from restock.types.layout import Layout
from restock.types.tracking import Console


def run(
    settings: Settings, files: Layout, root: Path, tags: dict[str, str], console: Console
) -> Verdict:
    """Judge the bundle by the stored report, register it once, move the alias if it won.

    The run of the evaluation is found by the bundle's digest; where there is none (after
    `dvc pull`, or when the store was lost) one is logged from the stored report.

    Raises:
        ConfigError: If tracking is off.
        IntegrityError: If the report scored another bundle.
    """
    if settings.tracking.name == "none":
        raise ConfigError("promote needs a registry: set tracking.name=mlflow.")
    bundle = load_bundle(files.read(layout.BUNDLE))
    report = read_json(files.read(layout.METRICS))
    check_scored(report, bundle.manifest.digest)
    verdict = judge_report(report)
    client, experiment_id = connect(settings.tracking, root)
    registry = Registry(client, settings.tracking.model_name)
    version = registry.find(bundle.manifest.digest)
    before = registry.champion()
    if version is None:
        run_id = _evaluation_run(client, experiment_id, bundle.manifest.digest)
        if run_id is None:
            run_id = _log_report(settings, files, root, tags, report)
        version = registry.register(bundle.folder, bundle.manifest, run_id, _lineage(report, tags))
        console.note(f"registered {version.name} version {version.version}")
    if verdict.promote and (before is None or before.version != version.version):
        registry.set_champion(version)
    _write(files, verdict, version, registry.champion())
    _say(console, verdict, version, before)
    # The last of a pipeline's commands that logs: its parent run ends with the scores.
    scores = {k: v for k, v in report["models"][LSTM].items() if v is not None}
    close_pipeline(settings.tracking, root, scores)
    return verdict


def judge_report(report: dict[str, Any]) -> Verdict:
    """Judge the LSTM against every baseline by a stored report."""
    losses = {name: scores["wql"] for name, scores in report["models"].items()}
    challenger = losses.pop(LSTM)
    scored = {name: loss for name, loss in losses.items() if loss is not None}
    return judge(float("nan") if challenger is None else challenger, scored)


def _evaluation_run(client: Any, experiment_id: str, bundle: str) -> str | None:
    query = f"tags.`{BUNDLE_TAG}` = '{bundle}' and tags.`{COMMAND_TAG}` = 'evaluate'"
    found = client.search_runs([experiment_id], query, max_results=1)
    return str(found[0].info.run_id) if found else None


def _log_report(
    settings: Settings, files: Layout, root: Path, tags: dict[str, str], report: dict[str, Any]
) -> str:
    with open_run(
        settings.tracking, root, "evaluate", {**tags, BUNDLE_TAG: report["bundle"]}
    ) as run:
        log_report(run, report)
        run.set_tags({"restock.source": "stored report"})
        for name in (layout.METRICS, layout.LEADERBOARD):
            run.log_artifact(files.read(name))
        return run.run_id


def _lineage(report: dict[str, Any], tags: dict[str, str]) -> dict[str, str]:
    scores = report["models"][LSTM]
    labels = {
        f"test.{name}": f"{scores[name]:.6g}" for name in ("wql", "wape", "mase") if scores[name]
    }
    return labels | {f"restock.{name}": value for name, value in tags.items()}


def _write(
    files: Layout, verdict: Verdict, version: ModelVersion, champion: ModelVersion | None
) -> None:
    """Leave the verdict for the summary. It names versions, so it is no stage output."""
    content = {
        "promote": verdict.promote,
        "reasons": list(verdict.reasons),
        "margins": verdict.margins,
        "version": version.version,
        "champion": champion.version if champion else None,
        "model": version.name,
        "bundle": version.bundle,
    }
    write_json(files.write(layout.VERDICT), content)


def _say(
    console: Console, verdict: Verdict, version: ModelVersion, before: ModelVersion | None
) -> None:
    reasons = "; ".join(verdict.reasons)
    if not verdict.promote:
        console.note(f"not promoted: {reasons}")
    elif before is not None and before.version == version.version:
        console.note(f"{version.name} version {version.version} is champion already")
    else:
        console.note(f"promoted {version.name} version {version.version} to champion: {reasons}")
