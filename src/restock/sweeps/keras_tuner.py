"""Proposals by Keras Tuner's oracles.

Normally an oracle keeps its state in files, which a crash can damage. Here it has no files: for
every proposal a new oracle is made, and gets all trials of the study. So the study is the only
place where the state of a sweep is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from restock.seeding import child_seed
from restock.settings.search import Dimension
from restock.sweeps.queue import SweepError

OracleName = Literal["random", "bayesian", "hyperband"]
OBJECTIVE = keras_tuner.Objective("loss", "min")
FACTOR = 3  # Hyperband keeps one trial in three
PARTS = 9  # of the budget, which Hyperband takes for epochs: a ninth, a third, all
STATUS = {
    "complete": TrialStatus.COMPLETED, "failed": TrialStatus.FAILED, "running": TrialStatus.RUNNING
}  # fmt: skip


@dataclass(frozen=True)
class Past:
    """A trial that was proposed before.

    Attributes:
        slot: Number of the trial.
        values: Its values, by the names of the dimensions.
        state: Its current state.
        score: Its objective, if it is complete.
        known: Slots that had ended when it was proposed. None for the first trial, which was not
            proposed: it uses the configured values.
    """

    slot: int
    values: Mapping[str, Any]
    state: Literal["complete", "failed", "running"]
    score: float | None
    known: tuple[int, ...] | None


@dataclass(frozen=True)
class Proposal:
    """A proposal of an oracle.

    Attributes:
        values: Values by the names of the dimensions.
        share: Share of the budget; None: all of it.
        resumes: Slot of the trial whose training this one continues.
    """

    values: dict[str, Any]
    share: float | None = None
    resumes: int | None = None


def propose(
    name: OracleName,
    space: Mapping[str, Dimension],
    history: Sequence[Past],
    *,
    slot: int,
    seed: int,
) -> Proposal:
    """Return the next proposal of an oracle that knows the history.

    Args:
        name: Name of the oracle.
        space: The search space.
        history: Trials in the order in which they were proposed.
        slot: Number of the trial to propose.
        seed: Seed of the sweep.

    Raises:
        SweepError: If the oracle has nothing new to propose.
    """
    if name == "hyperband":
        values = _replay_hyperband(space, history, slot, seed)
    else:
        values = _ask(name, space, history, slot, seed)
    if values is None:
        raise SweepError(
            f"Keras Tuner has nothing new to propose after {len(history)} trials. Set "
            f"search.num_trials={len(history)}, or widen search.space."
        )
    resumes = values.get("tuner/trial_id")
    return Proposal(
        {dimension: values[dimension] for dimension in space},
        parts / PARTS if (parts := values.get("tuner/epochs")) else None,
        None if resumes is None else int(resumes),
    )


def _ask(
    name: str, space: Mapping[str, Dimension], history: Sequence[Past], slot: int, seed: int
) -> dict[str, Any] | None:
    kinds = {
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    }
    oracle = kinds[name](
        objective=OBJECTIVE,
        hyperparameters=_hyperparameters(space),
        seed=child_seed(seed, "oracle", slot),
    )
    for past in history:
        trial = _trial(space, past)
        oracle.trials[trial.trial_id] = trial
        oracle._record_values(trial)
        if past.state == "running":
            oracle.ongoing_trials[f"worker {past.slot}"] = trial
    return _values(oracle.populate_space(str(slot)))


def _replay_hyperband(
    space: Mapping[str, Dimension],
    history: Sequence[Past],
    slot: int,
    seed: int,
) -> dict[str, Any] | None:
    """Let a new oracle propose all trials again, each time with the results known at that time."""
    oracle = keras_tuner.oracles.HyperbandOracle(
        objective=OBJECTIVE,
        hyperparameters=_hyperparameters(space),
        max_epochs=PARTS,
        factor=FACTOR,
        hyperband_iterations=None,  # as many as there are trials for
        seed=child_seed(seed, "oracle"),
    )
    ended = {past.slot: past for past in history if past.state != "running"}
    for past in history:
        if past.known is None:
            continue
        _tell(oracle, space, [ended[known] for known in past.known if known in ended])
        oracle.populate_space(str(past.slot))
        running = Past(past.slot, past.values, "running", None, past.known)
        trial = _trial(space, running)
        oracle.trials[trial.trial_id] = trial
        oracle._record_values(trial)
    _tell(oracle, space, list(ended.values()))
    return _values(oracle.populate_space(str(slot)))


def _tell(oracle: Any, space: Mapping[str, Dimension], ended: Sequence[Past]) -> None:
    for past in ended:
        if str(past.slot) in oracle.trials:
            oracle.trials[str(past.slot)] = _trial(space, past)


def _values(response: Mapping[str, Any]) -> dict[str, Any] | None:
    return response["values"] if response["status"] == TrialStatus.RUNNING else None


def _trial(space: Mapping[str, Dimension], past: Past) -> Trial:
    hyperparameters = _hyperparameters(space)
    hyperparameters.values = dict(past.values)
    trial = Trial(hyperparameters, trial_id=str(past.slot), status=STATUS[past.state])
    trial.score = past.score
    return trial


def _hyperparameters(space: Mapping[str, Dimension]) -> keras_tuner.HyperParameters:
    made = keras_tuner.HyperParameters()
    for name, dimension in space.items():
        if dimension.kind == "categorical":
            made.Choice(name, list(dimension.choices))
            continue
        assert dimension.low is not None
        assert dimension.high is not None
        sampling = "log" if dimension.log else "linear"
        if dimension.kind == "int":
            step = None if dimension.log else int(dimension.step or 1)
            made.Int(name, int(dimension.low), int(dimension.high), step=step, sampling=sampling)
        else:
            made.Float(name, dimension.low, dimension.high, step=dimension.step, sampling=sampling)
    return made
