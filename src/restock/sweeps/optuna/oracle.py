"""Proposals of another tuner as a sampler of Optuna, so that both use the same kind of study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution


class ProposedSampler(optuna.samplers.RandomSampler):  # type: ignore[misc]
    """Gives a trial the values that were proposed for it."""

    def __init__(self, values: Mapping[str, Any], space: Mapping[str, BaseDistribution]) -> None:
        """Keep the values and their distributions, by name."""
        super().__init__()
        self.values, self.space = values, space

    def infer_relative_search_space(
        self,
        study: optuna.Study,  # noqa: ARG002
        trial: optuna.trial.FrozenTrial,  # noqa: ARG002
    ) -> dict[str, BaseDistribution]:
        """Return the whole space."""
        return dict(self.space)

    def sample_relative(
        self,
        study: optuna.Study,  # noqa: ARG002
        trial: optuna.trial.FrozenTrial,  # noqa: ARG002
        search_space: dict[str, BaseDistribution],  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return the proposed values."""
        return dict(self.values)
