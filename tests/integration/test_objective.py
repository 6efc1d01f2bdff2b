"""The real objective: folds side by side, saved on the way, resumed to the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restock.evaluation.selection import folds_with_demand
from restock.settings.base import picked
from restock.settings.tree import Settings
from restock.sweeps import shared
from restock.sweeps.checkpoint import Checkpoints
from restock.sweeps.objective import FoldObjective
from restock.sweeps.queue import Interrupted
from restock.sweeps.shared import SweepData
from restock.sweeps.spec import SearchRecipe
from restock.training.fold_features import fit_fold_features
from restock.training.outcome import Measured, Outcome
from support.builders import panel, settings

UNPRUNED = {"name": "optuna", "pruner": "none"}


def chosen(**groups: dict[str, object]) -> Settings:
    model = {"units": 6, "dropout": 0.3, **groups.pop("model", {})}
    training = {"max_steps": 48, **groups.pop("training", {})}
    evaluation = {"num_tuning_folds": 2}
    return settings(model=model, training=training, evaluation=evaluation, **groups)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> SweepData:
    base, options = panel(6, 50), chosen()
    folds = folds_with_demand(base, options.evaluation)
    made = fit_fold_features(base, folds, options.features, "quantiles")
    path = tmp_path_factory.mktemp("sweep") / "data.joblib"
    shared.save(SweepData(base, folds, made), path)
    return shared.load(path)


def quiet(found: Measured | None) -> None:
    pass


def objective(options: Settings, data: SweepData) -> FoldObjective:
    settings = picked(SearchRecipe, options.model_dump(mode="json"), "test")
    return FoldObjective(settings, data, num_threads=1, pool_size=2)


def run(data: SweepData, folder: Path, options: Settings) -> Outcome:
    return objective(options, data)({}, None, Checkpoints(folder), quiet)


@pytest.fixture(scope="module")
def one(data: SweepData, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The outcome of the configured values."""
    return run(data, tmp_path_factory.mktemp("one"), chosen())


def test_arrays_are_mapped_from_one_file(data: SweepData) -> None:
    assert isinstance(data.panel.demand, np.memmap)
    assert not data.panel.demand.flags.writeable


def test_an_interrupted_training_resumes_to_the_same_numbers(
    data: SweepData, tmp_path: Path
) -> None:
    options = chosen(
        model={"recurrent_dropout": 0.1},
        training={"ensemble_size": 2},
        search={"objectives": ["loss", "inventory_cost"], "tuner": UNPRUNED},
    )
    whole = run(data, tmp_path / "whole", options)
    seen: list[Measured | None] = []

    def train(stop_after: int | None = None) -> Outcome:
        def report(found: Measured | None) -> None:
            seen.append(found)
            if len(seen) == stop_after:
                raise Interrupted

        seen.clear()
        return objective(options, data)({}, None, Checkpoints(tmp_path / "broken"), report)

    for stop_after in (1, 4, 6):  # at the ends of two branches, and in the middle of one
        with pytest.raises(Interrupted):
            train(stop_after)
    resumed = train()
    assert resumed == whole
    assert [found.steps for found in seen if found] == list(whole.lengths)  # those before it, too
    assert whole.lengths == (6, 12, 24, 48)[: len(whole.lengths)]
    assert whole.value == min(whole.curve)


def test_seeds_are_averaged_within_a_trial(data: SweepData, one: Outcome, tmp_path: Path) -> None:
    two = run(data, tmp_path, chosen(search={"num_seeds": 2}))
    assert len(two.fold_curves) == 2  # one a fold, not one a seed
    assert two.curve != one.curve


def test_a_share_of_the_budget_is_honoured(data: SweepData, tmp_path: Path) -> None:
    outcome = objective(chosen(), data)({}, 1 / 3, Checkpoints(tmp_path), quiet)
    assert outcome.lengths == (6, 12, 16)


def test_several_objectives_are_measured(data: SweepData, tmp_path: Path) -> None:
    names = ["loss", "inventory_cost", "latency", "size"]
    small, large = (
        run(
            data,
            tmp_path / str(units),
            chosen(model={"units": units}, search={"objectives": names, "tuner": UNPRUNED}),
        )
        for units in (4, 12)
    )
    assert set(small.scores) == set(names)
    assert small.scores["size"] < large.scores["size"]
    assert small.scores["loss"] == small.value
    assert all(value > 0 for value in small.scores.values())


def test_the_cost_is_that_of_the_length_that_counts(data: SweepData, tmp_path: Path) -> None:
    search = {"objectives": ["loss", "inventory_cost"], "tuner": UNPRUNED}
    for rate in (0.1, 0.2, 0.3, 0.5, 1.0):  # so fast that some training gets worse at its end
        options = chosen(training={"learning_rate": rate}, search=search)
        whole = run(data, tmp_path / str(rate), options)
        if whole.steps < whole.lengths[-1]:
            break
    assert whole.steps < whole.lengths[-1]
    states = Checkpoints(tmp_path / "short")
    short = objective(options, data)({}, whole.steps / 48, states, quiet)
    assert short.scores == whole.scores


def test_the_swept_values_are_what_is_trained(
    data: SweepData, one: Outcome, tmp_path: Path
) -> None:
    states = Checkpoints(tmp_path)
    other = objective(chosen(), data)({"model.units": 12}, None, states, quiet)
    assert other.curve != one.curve
