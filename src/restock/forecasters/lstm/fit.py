"""Fit networks: objects that train step by step and can be scored at several lengths."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import keras
import numpy as np

from restock.features.fitted import FittedFeatures, fit_features
from restock.forecasters.assemble import PanelNetwork
from restock.forecasters.likelihoods import require_counts
from restock.forecasters.lstm import backend
from restock.forecasters.lstm.counts import CountLoss
from restock.forecasters.lstm.forecaster import FittedLstm
from restock.forecasters.lstm.network import (
    NetworkShape,
    QuantileLoss,
    average_networks,
    build_network,
)
from restock.forecasters.lstm.schedule import Schedule, budget
from restock.seeding import child_seed, generator
from restock.settings.model import COUNTS
from restock.settings.recipe import Recipe
from restock.types.features import FeaturePanel, FeatureState
from restock.types.forecast import DemandForecast
from restock.types.panel import DemandPanel, IntArray
from restock.windows.sequences import SequenceBatch, WindowMaker

CHUNK = 20  # gradient steps after which a training can be stopped and its progress is told


class DivergedError(ArithmeticError):
    """The loss is not a finite number."""


@dataclass(frozen=True)
class Trunk:
    """Where a training has left the trunk for a branch.

    Attributes:
        length: Number of steps at which the branch ends.
        variables: Weights and optimizer at that place.
    """

    length: int
    variables: list[np.ndarray]


class LstmTraining:
    """One network in training on one fold; see :meth:`train`.

    Attributes:
        step: Gradient steps taken on the way to a length, those of the trunk included.
    """

    def __init__(
        self,
        recipe: Recipe,
        horizon: int,
        panel: DemandPanel,
        train_end: IntArray,
        fitted: FittedFeatures,
        *,
        schedule: Schedule,
        member: int = 0,
    ) -> None:
        """Build a new network; ``member`` is its number in the ensemble and changes its seed."""
        self.recipe, self.train_end, self.schedule = recipe, train_end, schedule
        self.seed = child_seed(recipe.seed, "member", member)
        self.state, features = fitted.state, fitted.source
        self.windows = WindowMaker(
            features, panel.first_seen, self.state.typical_scale, horizon, recipe.windows
        )
        self.rows = self.windows.trainable(train_end)
        self.batch_size = self._batch_size()
        self.step, self.counts = 0, recipe.model.likelihood in COUNTS
        self.trunk: Trunk | None = None
        keras.utils.set_random_seed(child_seed(self.seed, "weights"))
        sample = features.take(np.array([0]), np.array([0]), 1)
        self.shape = network_shape(sample, self.state, horizon)
        training = recipe.training
        with backend.precision(training.precision):
            self.network = build_network(self.shape, recipe.model)
        # Without dropout, so that it is exported as a plain LSTM.
        plain = recipe.model.model_copy(update={"dropout": 0.0, "recurrent_dropout": 0.0})
        self.trained = build_network(self.shape, plain)
        self.trained.set_weights(self.network.get_weights())
        self.network.compile(
            optimizer=keras.optimizers.Adam(training.learning_rate, clipnorm=training.clip_norm),
            loss=CountLoss() if self.counts else QuantileLoss(recipe.model.quantile_levels),
            # JAX is slow unless compiled; on TensorFlow XLA gains nothing (docs/performance.md).
            jit_compile=keras.backend.backend() == "jax",
        )
        # If the first step created these variables, TensorFlow would trace that step twice.
        self.network.optimizer.build(self.network.trainable_variables)

    def train(self, length: int, most: int) -> list[float]:
        """Take steps towards a length: along the trunk, then along the branch to it.

        A training that is on the branch to another length goes back to the trunk first.

        Args:
            length: Number of steps at which the training ends; see :class:`Schedule`.
            most: Number of steps to take now, unless the length is reached earlier.

        Returns:
            The training loss of each step.

        Raises:
            DivergedError: If a loss is not finite.
        """
        if self.trunk is not None and self.trunk.length != length:
            self._set_variables(self.trunk.variables)
            self.step, self.trunk = self.schedule.branch(self.trunk.length), None
        losses = []
        for _ in range(min(most, length - self.step)):
            if self.step == self.schedule.branch(length) and length < self.schedule.lengths[-1]:
                self.trunk = Trunk(length, self._variables())
            losses.append(self._take_step(self.schedule.rate(self.step, length)))
        self.trained.set_weights(self.network.get_weights())
        return losses

    def _take_step(self, rate: float) -> float:
        training = self.recipe.training
        self.network.optimizer.learning_rate.assign(training.learning_rate * rate)
        batch = self.batch()
        target = batch.counts() if self.counts else batch.target
        with backend.plain_errors():
            loss = self.network.train_on_batch(
                batch.inputs.inputs(), target, sample_weight=batch.loss_mask
            )
        self.step += 1
        if not np.isfinite(loss):
            raise DivergedError(
                f"step {self.step}: the training loss is {loss}. Lower training.learning_rate."
            )
        return float(loss)

    def batch(self) -> SequenceBatch:
        """Return the sequences of the next step."""
        rng = generator(self.seed, "batch", self.step)
        return self.windows.training_batch(
            self._drawn_rows(), self.train_end, self.recipe.training.weight_by_scale, rng
        )

    def _drawn_rows(self) -> IntArray:
        """Return the series of the next batch: all series have their turn, in random order."""
        places = self.step * self.batch_size + np.arange(self.batch_size)
        passes, at = np.divmod(places, len(self.rows))
        orders = {
            number: generator(self.seed, "order", int(number)).permutation(self.rows)
            for number in np.unique(passes)
        }
        return np.array([orders[number][place] for number, place in zip(passes, at, strict=True)])

    def _batch_size(self) -> int:
        """Return the configured size, but no more origins in a batch than the series have."""
        context = self.train_end[self.rows] - self.windows.first[self.rows]
        needed = -(-int(context.sum()) // self.recipe.windows.num_origins)
        return min(self.recipe.training.batch_size, needed)

    def progress(self) -> dict[str, np.ndarray]:
        """Return all that is needed to resume: weights, optimizer and place, by name."""
        arrays = {f"variable_{at}": values for at, values in enumerate(self._variables())}
        arrays["step"] = np.array(self.step)
        if self.trunk is not None:
            arrays["branch"] = np.array(self.trunk.length)
            arrays |= {f"trunk_{at}": values for at, values in enumerate(self.trunk.variables)}
        return arrays

    def restore(self, progress: Mapping[str, np.ndarray]) -> None:
        """Resume from the arrays of :meth:`progress`, with the same results as without a break."""
        count = len(self._variables())
        self._set_variables([progress[f"variable_{at}"] for at in range(count)])
        self.step, self.trunk = int(progress["step"]), None
        if "branch" in progress:
            trunk = [progress[f"trunk_{at}"] for at in range(count)]
            self.trunk = Trunk(int(progress["branch"]), trunk)
        self.trained.set_weights(self.network.get_weights())

    @property
    def _held(self) -> list[keras.Variable]:
        return [*self.network.variables, *self.network.optimizer.variables]

    def _variables(self) -> list[np.ndarray]:
        return [np.array(variable) for variable in self._held]

    def _set_variables(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self._held, values, strict=True):
            variable.assign(value)


class LstmEnsemble:
    """Networks with different seeds, trained on one fold. The forecast is their mean."""

    def __init__(
        self,
        recipe: Recipe,
        horizon: int,
        panel: DemandPanel,
        train_end: IntArray,
        fitted: FittedFeatures | None = None,
        *,
        schedule: Schedule | None = None,
    ) -> None:
        """Fit feature constants up to ``train_end`` (unless given) and build the networks.

        Args:
            recipe: What is trained.
            horizon: Periods that are forecast, H.
            panel: The whole panel; demand after ``train_end`` is not read.
            train_end: Last training position per series; -1 leaves a series out. Shape ``(N,)``.
            fitted: Features with this training end; None: they are made here.
            schedule: The learning rate, and the lengths that may be used; None: those of the
                recipe's budget.

        Raises:
            DataError: If the likelihood is a distribution of counts and demand is not in whole
                units.
        """
        require_counts(panel, train_end, recipe.model.likelihood)
        # The lookback is never longer than the training history: a forecast must not depend on
        # lengths that were never trained, nor on the other series of the panel.
        lookback = min(recipe.windows.lookback, int(train_end.max()) + 1)
        windows = recipe.windows.model_copy(update={"lookback": lookback})
        self.recipe = recipe.model_copy(update={"windows": windows})
        self.horizon, self.panel, self.train_end = horizon, panel, train_end
        fitted = fitted or fit_features(panel, recipe.features, train_end, horizon)
        self.state = fitted.state
        self.schedule = schedule or budget(recipe.training, panel, train_end)
        self.members = [
            LstmTraining(
                self.recipe,
                horizon,
                panel,
                train_end,
                fitted,
                schedule=self.schedule,
                member=member,
            )
            for member in range(recipe.training.ensemble_size)
        ]

    @property
    def step(self) -> int:
        """Gradient steps that each network has been trained for."""
        return self.members[0].step

    def progress(self) -> dict[str, np.ndarray]:
        """Return all that is needed to resume, of every network, by name."""
        return {
            f"member_{number}/{name}": values
            for number, member in enumerate(self.members)
            for name, values in member.progress().items()
        }

    def restore(self, progress: Mapping[str, np.ndarray]) -> None:
        """Resume from the arrays of :meth:`progress`."""
        for number, member in enumerate(self.members):
            member.restore(part_of(progress, f"member_{number}/"))

    def network(self) -> keras.Model:
        """Return the mean over the members as one network."""
        return average_networks([member.trained for member in self.members])

    def predict(self, origins: IntArray) -> DemandForecast:
        """Forecast every series from its origin with the current weights."""
        return self.on_panel().predict(origins)

    def on_panel(self) -> PanelNetwork:
        """Return the mean of the networks, with their current weights, for the panel."""
        return self.fitted().beside(self.panel, self.members[0].windows)

    def fitted(self) -> FittedLstm:
        """Return a fitted forecaster with the current weights."""
        networks = tuple(member.trained for member in self.members)
        return FittedLstm(self.recipe, self.horizon, self.state, networks)


def train_all(
    ensembles: Iterable[LstmEnsemble], length: int, pool: ThreadPoolExecutor
) -> Iterator[list[float]]:
    """Train every network of every ensemble up to a length, at the same time.

    Threads are enough for this: the backend releases Python's lock while it computes. A network's
    results depend only on its own seed, not on the number of threads.

    Yields:
        The loss of each step, mean over the networks, after every :data:`CHUNK` steps.
    """
    members = [member for ensemble in ensembles for member in ensemble.members]
    while True:
        jobs = [pool.submit(member.train, length, CHUNK) for member in members]
        losses = [job.result() for job in jobs]
        if not losses[0]:
            return
        yield [float(mean) for mean in np.mean(losses, axis=0)]


@dataclass(frozen=True)
class Lstm:
    """The LSTM as a forecaster. It is fitted for ``max_steps`` steps.

    Attributes:
        recipe: What is trained.
        horizon: Periods that are forecast, H.
        num_threads: Threads inside one operation; see :func:`backend.prepare`.
    """

    recipe: Recipe
    horizon: int
    num_threads: int = 1

    def fit(self, panel: DemandPanel, train_end: IntArray) -> FittedLstm:
        """Fit on targets at or before ``train_end``; see :class:`Forecaster`.

        Raises:
            DataError: If the likelihood is a distribution of counts and demand is not in whole
                units.
            DivergedError: If the loss is not finite.
        """
        backend.prepare(self.recipe.seed, self.num_threads)
        ensemble = LstmEnsemble(self.recipe, self.horizon, panel, train_end)
        steps = ensemble.schedule.lengths[-1]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in train_all([ensemble], steps, pool):
                pass
        return ensemble.fitted()


def part_of(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names start with a prefix, by the rest of their names."""
    return {n.removeprefix(prefix): values for n, values in arrays.items() if n.startswith(prefix)}


def network_shape(features: FeaturePanel, state: FeatureState, horizon: int) -> NetworkShape:
    """Return the sizes of the network's inputs."""
    return NetworkShape(
        num_past=features.past.shape[2],
        num_future=features.future.shape[2],
        num_anchors=features.anchors.count,
        num_static_numbers=features.static_numbers.shape[1],
        vocabulary_sizes=tuple(len(words) for words in state.vocabularies.values()),
        horizon=horizon,
    )
