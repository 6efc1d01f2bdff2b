"""Simulated panels whose true quantiles are known, at the shapes that stores hand in.

Demand is negative binomial around a mean: a level that wanders, seasons, promotions, holidays. The
truth of an origin knows the level there and every effect; only the noise and the level's later
steps are open. No forecaster can be expected to do better than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

Array = np.ndarray
DRAWS = 300  # of each truth, from which its quantiles are taken
AT_ONCE = 200  # series


@dataclass(frozen=True)
class Simulation:
    """A made-up panel. Shapes: N series, T periods.

    Attributes:
        dates: Shape ``(T,)``.
        frequency: As in a data set's YAML file.
        level: Wandering level of each series, in units. Shape ``(N, T)``.
        effect: Factor of all that is known ahead. Shape ``(N, T)``.
        step: Standard deviation of one step of the level's logarithm.
        size: The negative binomial's: variance is mean + mean² / size.
        first: First period of each series. Shape ``(N,)``.
        columns: Columns known ahead, and static ones; each broadcasts to ``(N, T)``.
        seed: Of demand and of the truth's draws.
    """

    dates: pd.DatetimeIndex
    frequency: str
    level: Array
    effect: Array
    step: float
    size: float
    first: Array
    columns: dict[str, Array]
    seed: int

    def table(self) -> pd.DataFrame:
        """Return one row per series and period, demand drawn."""
        num_series, num_steps = self.level.shape
        demand = _counts(self._rng(0), self.level * self.effect, self.size)
        row, at = np.nonzero(np.arange(num_steps) >= self.first[:, None])
        content = {"series": _names(num_series)[row], "date": self.dates[at]}
        content["demand"] = demand[row, at].astype(float)
        for name, values in self.columns.items():
            content[name] = np.broadcast_to(values, self.level.shape)[row, at]
        return pd.DataFrame(content)

    def truth(self, series_id: Array, origins: Array, horizon: int, levels: Array) -> Array:
        """Return the true quantiles of the steps after each series' origin.

        Args:
            series_id: Names of the series, as in the table. Shape ``(N,)``.
            origins: Last known period of each. Shape ``(N,)``.
            horizon: Periods after it, H.
            levels: Shape ``(Q,)``.

        Returns:
            Quantiles in units. Shape ``(N, H, Q)``.
        """
        rows = np.searchsorted(_names(len(self.level)), np.asarray(series_id, dtype=str))
        rng, parts = self._rng(1), []
        for chunk in np.array_split(np.arange(len(rows)), max(len(rows) // AT_ONCE, 1)):
            own, at = rows[chunk], origins[chunk]
            walk = rng.normal(0.0, self.step, (DRAWS, len(chunk), horizon)).cumsum(axis=2)
            ahead = at[:, None] + np.arange(1, horizon + 1)
            mean = self.level[own, at][:, None] * self.effect[own[:, None], ahead]
            drawn = _counts(rng, mean * np.exp(walk), self.size)
            parts.append(np.moveaxis(np.quantile(drawn, levels, axis=0), 0, -1))
        return np.concatenate(parts)

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream])


def daily(num_series: int = 1000, num_days: int = 940, seed: int = 1) -> Simulation:
    """Stores: weekdays, a year, fortnights of promotion, closed on Sundays and on holidays."""
    rng = np.random.default_rng([seed, 2])
    dates = pd.date_range("2022-01-01", periods=num_days, freq="D")
    day, weekday = np.arange(num_days), dates.dayofweek.to_numpy()
    kind = rng.integers(0, 4, num_series)  # of the store
    week = np.exp(rng.normal(0.0, 0.2, (4, 7)))[kind][:, weekday]
    phase = rng.normal(0.0, 0.4, (4, 1))[kind]
    year = np.exp(0.2 * np.cos(2 * np.pi * day / 365.25 + phase))
    promo = rng.random((num_series, num_days // 14 + 1)) < 0.4
    promo = np.repeat(promo, 14, axis=1)[:, :num_days]
    lift = np.exp(rng.normal(0.3, 0.1, (num_series, 1)))
    holiday = np.isin(dates.strftime("%m-%d"), ["01-01", "05-01", "12-25", "12-26"])
    sunday = (weekday == 6) & (rng.random((num_series, 1)) < 0.8)
    closed = sunday | holiday
    effect = np.where(closed, 0.0, week * year * np.where(promo, lift, 1.0))
    step = 0.004
    columns = {"promo": promo.astype(int), "closed": closed.astype(int)}
    columns["kind"] = np.array(list("abcd"))[kind][:, None]
    level = _levels(rng, np.exp(rng.normal(4.0, 0.6, num_series)), num_days, step)
    first = np.zeros(num_series, dtype=int)
    return Simulation(dates, "D", level, effect, step, 20.0, first, columns, seed)


def weekly(num_series: int = 3000, num_weeks: int = 143, seed: int = 1) -> Simulation:
    """Products: a season that all share, one of their group, and Easter in another week a year."""
    rng = np.random.default_rng([seed, 3])
    dates = pd.date_range("2021-01-03", periods=num_weeks, freq="W-SUN")
    angle = 2 * np.pi * dates.dayofyear.to_numpy() / 365.25
    group = rng.integers(0, 12, num_series)
    waves = np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)])
    shared = rng.normal(0.0, 0.15, 4) @ waves
    own = (rng.normal(0.0, 0.25, (12, 4)) @ waves)[group]
    easter = pd.to_datetime(["2021-04-04", "2022-04-17", "2023-04-09"])
    near = np.isin(dates, easter) + 0.4 * np.isin(dates, easter - pd.Timedelta(weeks=1))
    lift = np.abs(rng.normal(0.5, 0.2, 12))[group][:, None]
    effect = np.exp(shared + own + lift * near)
    step = 0.02
    level = _levels(rng, np.exp(rng.normal(2.5, 1.0, num_series)), num_weeks, step)
    late = rng.random(num_series) < 0.1
    first = np.where(late, rng.integers(10, 80, num_series), 0)
    columns = {"group": np.array([f"group {g}" for g in range(12)])[group][:, None]}
    return Simulation(dates, "W-SUN", level, effect, step, 8.0, first, columns, seed)


SIMULATIONS = {"daily": daily, "weekly": weekly}


def _levels(rng: np.random.Generator, start: Array, num_steps: int, step: float) -> Array:
    """Return levels whose logarithm wanders from a start."""
    walk = rng.normal(0.0, step, (len(start), num_steps)).cumsum(axis=1)
    return start[:, None] * np.exp(walk)


def _counts(rng: np.random.Generator, mean: Array, size: float) -> Array:
    return rng.poisson(mean * rng.gamma(size, 1 / size, mean.shape))


def _names(num_series: int) -> Array:
    return np.array([f"s{number:05d}" for number in range(num_series)])
