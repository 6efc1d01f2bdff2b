"""What a sweep tries next: the configured values first, then points of a grid or of a sampler.

If the sampler allows it, proposed values depend only on the seed, the slot and earlier results.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from restock.seeding import child_seed
from restock.settings.base import value_at
from restock.settings.search import KerasTunerSettings, OptunaSettings
from restock.sweeps.keys import KNOWN, RESUMES, SHARE, SLOT
from restock.sweeps.optuna import samplers as adapters
from restock.sweeps.optuna.database import patiently, study_lock
from restock.sweeps.optuna.oracle import ProposedSampler
from restock.sweeps.optuna.snapshot import Point, Snapshot
from restock.sweeps.spec import SearchRecipe

# Samplers that need one stream of random numbers for the whole study.
ONE_STREAM = ("qmc",)


class Proposals:
    """The source of a sweep's values."""

    def __init__(
        self,
        study: optuna.Study,
        url: str,
        settings: SearchRecipe,
        trainings: tuple[Point, ...] | None,
    ) -> None:
        """Make proposals for a study.

        Args:
            study: The study, in which attempts are queued.
            url: URL of its database.
            settings: Settings of the sweep.
            trainings: For a grid of whole trainings, the changed settings of each; else None.
        """
        self.study, self.url, self.settings = study, url, settings
        self.trainings = trainings
        self.points = self._points()

    def _points(self) -> list[Point] | None:
        if self.trainings is not None:
            return list(self.trainings)
        if self.settings.search.tuner.method == "grid":
            return adapters.grid_points(self.settings.search)
        return None

    def first(self, slot: int) -> Point:
        """Return the values that the sampler does not choose.

        These are a grid point, or the configured values in slot 0.
        """
        if self.points is not None:
            return self.points[slot]
        if slot:
            return {}
        space = self.settings.search.space.items()
        return {name: value_at(self.settings, d.path) for name, d in space}

    def enqueue(self, values: Point, attributes: dict[str, Any]) -> None:
        """Queue an attempt.

        Args:
            values: Values by dimension. The sampler will choose the missing ones.
            attributes: Its slot, and the attempt that it continues.
        """
        if self.trainings is None:
            self.study.enqueue_trial(values, user_attrs=attributes)
            return
        point = self.trainings[attributes[SLOT]]
        self.study.add_trial(
            optuna.create_trial(
                state=TrialState.WAITING,
                params={path: _plain(value) for path, value in point.items()},
                distributions=self._choices(),
                user_attrs=attributes,
            )
        )

    def _choices(self) -> dict[str, optuna.distributions.BaseDistribution]:
        """Return the values of a grid of whole trainings as choices, for the plots."""
        assert self.trainings is not None
        choices: dict[str, dict[Any, None]] = {}
        for point in self.trainings:
            for path, value in point.items():
                choices.setdefault(path, {})[_plain(value)] = None
        kind = optuna.distributions.CategoricalDistribution
        return {path: kind(tuple(found)) for path, found in choices.items()}

    def propose(self, attempt: FrozenTrial, snapshot: Callable[[], Snapshot]) -> optuna.trial.Trial:
        """Choose the values of an attempt that was just claimed.

        Args:
            attempt: The attempt.
            snapshot: Reads the state of the sweep, for a tuner that learns from it.
        """
        if self.trainings is not None:
            return patiently(lambda: optuna.trial.Trial(self.study, attempt._trial_id))
        tuner = self.settings.search.tuner
        return PROPOSERS[tuner.name](self, attempt, snapshot, tuner)

    def by_sampler(
        self,
        attempt: FrozenTrial,
        snapshot: Callable[[], Snapshot],  # noqa: ARG002 - Optuna reads its own study
        tuner: OptunaSettings,
    ) -> optuna.trial.Trial:
        """Let one of Optuna's samplers propose, with a seed for this slot if the sampler allows."""
        own = () if tuner.sampler in ONE_STREAM else (attempt.user_attrs[SLOT],)
        seed = child_seed(self.settings.seed, "sampler", *own)
        return self._suggest(attempt, adapters.make_sampler(tuner, seed))

    def by_oracle(
        self, attempt: FrozenTrial, snapshot: Callable[[], Snapshot], tuner: KerasTunerSettings
    ) -> optuna.trial.Trial:
        """Let one of Keras Tuner's oracles propose."""
        with study_lock(self.url):  # each proposal must know the one before
            return self._suggest(attempt, self._oracle(attempt, snapshot(), tuner))

    def _suggest(self, attempt: FrozenTrial, sampler: BaseSampler) -> optuna.trial.Trial:
        self.study.sampler = sampler
        self.study._thread_local.cached_all_trials = None
        handle: optuna.trial.Trial
        handle = patiently(lambda: optuna.trial.Trial(self.study, attempt._trial_id))
        for name, distribution in adapters.distributions(self.settings.search).items():
            patiently(lambda n=name, d=distribution: handle._suggest(n, d))  # type: ignore[misc]
        return handle

    def _oracle(
        self, attempt: FrozenTrial, snapshot: Snapshot, tuner: KerasTunerSettings
    ) -> BaseSampler:
        """Ask Keras Tuner, unless the values are fixed: configured ones, or those of a retry."""
        from restock.sweeps.keras_tuner import propose

        space = adapters.distributions(self.settings.search)
        if attempt.system_attrs.get("fixed_params"):
            return ProposedSampler({}, space)
        history = snapshot.history()
        proposal = propose(
            tuner.oracle,
            self.settings.search.space,
            history,
            slot=attempt.user_attrs[SLOT],
            seed=self.settings.seed,
        )
        known = [past.slot for past in history if past.state != "running"]
        notes = {KNOWN: known, SHARE: proposal.share, RESUMES: proposal.resumes}
        for key, value in notes.items():
            if value is not None:
                self.study._storage.set_trial_user_attr(attempt._trial_id, key, value)
        return ProposedSampler(proposal.values, space)


def _plain(value: Any) -> Any:
    """Return a value in a form that a choice may have: a number, a boolean, None, or text."""
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


# By the tuner's name in the settings; a test checks that every tuner is here.
PROPOSERS: dict[str, Callable[..., optuna.trial.Trial]] = {
    "optuna": Proposals.by_sampler,
    "keras_tuner": Proposals.by_oracle,
}
