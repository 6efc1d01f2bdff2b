"""Fetch the bundle of a run or of a sweep, so that it can be judged on the current data."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from restock.champions.view import PromotionView
from restock.errors import UserError
from restock.settings.engine import EngineSettings
from restock.sweeps.optuna.summaries import summaries
from restock.sweeps.places import jobs_folder, study_url
from restock.tracking.context import Context
from restock.tracking.mlflow.runs import find_family
from restock.types import layout
from restock.types.layout import Layout


@contextmanager
def laid_out(name: str, context: Context[PromotionView]) -> Iterator[Layout]:
    """Yield a folder with the current panel and the bundle of a run or of a sweep's best job.

    The verdict and its page are copied to the output folder at the end.

    Args:
        name: Id of a run, or name of a sweep.
        context: Settings of tracking and engine, and the folder of the panel.

    Raises:
        UserError: If there is no such run or sweep, or it trained no bundle.
    """
    settings, files, root = context.settings, context.files, context.root
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for part in (layout.PANEL, layout.PREPARE_REPORT):
            (folder / part).symlink_to(files.read(part).resolve())
        if name in {sweep.name for sweep in summaries(study_url(settings.engine, root))}:
            bundle = _best_job(name, settings.engine, root)
        else:
            trained, _ = find_family(settings.tracking, root, name)
            found = trained.artifact(layout.BUNDLE)
            if found is None:
                raise UserError(
                    f"run {trained.run_id} has no bundle among its artifacts. Name another run, or "
                    "train again."
                )
            bundle = found
        shutil.copytree(bundle, folder / layout.BUNDLE)
        yield Layout.at(folder)
        for part in (layout.PROMOTION, layout.VERDICT):
            _bring_home(folder / part, files.write(part))


def _best_job(name: str, engine: EngineSettings, root: Path) -> Path:
    """Return the bundle of the best job of a grid of whole trainings."""
    from restock.sweeps.optuna.study import OpenStudy

    with closing(OpenStudy.open(study_url(engine, root), name, engine)) as opened:
        result, is_grid = opened.snapshot().result(), opened.sweep.points is not None
    if not is_grid:
        raise UserError(
            f"the trials of {name} were trained on tuning folds and left no bundle. Train its best "
            "values first, with `restock run` or `dvc repro`. Then run `restock promote`."
        )
    return jobs_folder(root, name) / str(result.best.number) / layout.BUNDLE


def _bring_home(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.is_file():
        shutil.copy2(source, target)
