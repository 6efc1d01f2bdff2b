"""The Theta method, from many origins in one pass.

Shapes: N series, T periods, H horizon, A smoothing values, M phases of the season, K = 2 variants:
without and with seasonal adjustment. NaN means unknown and changes nothing.

Source:
    Assimakopoulos and Nikolopoulos, The theta model (International Journal of Forecasting, 2000);
    in the form of Hyndman and Billah, Unmasking the Theta method (2003): simple exponential
    smoothing with half the slope of the linear trend as its drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restock.features.history import rolling_mean
from restock.types.panel import BoolArray, FloatArray

SMOOTHING = np.array([0.05, 0.1, 0.2, 0.3, 0.5, 0.8])
# With fewer values than this, a slope is mostly noise and is taken as 0.
MIN_TREND = 8


def theta(demand: FloatArray, horizon: int, first: int = 0, *, period: int) -> FloatArray:
    """Forecast by Theta, with seasonal adjustment where this was better so far.

    Seasonal indices come from the classical additive decomposition of the history before the
    origin: the mean difference from a centred moving average, for each phase. It is additive
    because demand may be zero. It needs two whole seasons. For each series and origin, the
    smoothing value and the variant with the smallest sum of squared one-step errors are used.

    Args:
        demand: Demand in units. Shape ``(N, T)``.
        horizon: H.
        first: Earliest origin.
        period: Periods in a season, M; 1 for none.

    Returns:
        From every origin at or after ``first``: shape ``(N, T - first, H)``, not negative; NaN
        before a series' first value.
    """
    state = _Running.start(len(demand), period)
    distance = _from_centred_mean(demand, period)
    adjustable = _adjustable(demand, period)
    loss = np.zeros((2, len(SMOOTHING), len(demand)))
    ahead: FloatArray = np.full_like(loss, np.nan)
    forecast = np.empty((len(demand), demand.shape[1] - first, horizon))
    for step in range(demand.shape[1]):
        loss = loss + np.nan_to_num((demand[:, step] - ahead) ** 2)
        state.add(step, demand[:, step], distance[:, step])
        model = state.model(adjustable[:, step])
        ahead = model.forecast(step, 1)
        if step < first:
            continue
        best = loss.reshape(-1, len(demand)).argmin(axis=0)[None, :]
        for far in range(1, horizon + 1):
            every = model.forecast(step, far).reshape(-1, len(demand))
            forecast[:, step - first, far - 1] = np.take_along_axis(every, best, axis=0)[0]
    return np.maximum(forecast, 0.0)


@dataclass(frozen=True)
class _Model:
    """All numbers for the forecasts from one origin.

    Attributes:
        level: Smoothed level. Shape ``(K, A, N)``.
        drift: Half the slope of the linear trend. Shape ``(K, 1, N)``.
        delay: Periods by which the smoothed level lags behind a trend. Shape ``(A, N)``.
        season: Seasonal indices. Shape ``(K, N, M)``.
    """

    level: FloatArray
    drift: FloatArray
    delay: FloatArray
    season: FloatArray

    def forecast(self, origin: int, far: int) -> FloatArray:
        """Return the forecast ``far`` periods after ``origin``. Shape ``(K, A, N)``."""
        phase = (origin + far) % self.season.shape[2]
        return self.level + self.drift * (far - 1 + self.delay) + self.season[:, None, :, phase]


@dataclass
class _Running:
    """Running sums over the history. Trend, level and season at an origin follow from them.

    Smoothing and regression are linear. So the result for *adjusted* values is the result for the
    values minus the result for the seasonal indices. For the latter, the weight of each phase in
    the level is kept.

    Attributes:
        level: Smoothed values. Shape ``(A, N)``.
        share: Weight of each phase in that level. Shape ``(A, N, M)``.
        count, time: Number of known values of each phase, and the sum of their positions.
            Shape ``(N, M)``.
        squares, values, products: Sums of position squared, value, position times value. ``(N,)``.
        distance, distances: Sum and number of each phase's distances from the centred mean.
    """

    level: FloatArray
    share: FloatArray
    count: FloatArray
    time: FloatArray
    squares: FloatArray
    values: FloatArray
    products: FloatArray
    distance: FloatArray
    distances: FloatArray

    @classmethod
    def start(cls, num_series: int, period: int) -> _Running:
        """Return the state before the first period."""
        phases, rows = (num_series, period), (num_series,)
        level = np.full((len(SMOOTHING), num_series), np.nan)
        share = np.zeros((len(SMOOTHING), *phases))
        sums = [np.zeros(shape) for shape in (phases, phases, rows, rows, rows, phases, phases)]
        return cls(level, share, *sums)

    def add(self, step: int, value: FloatArray, distance: FloatArray) -> None:
        """Add the values of one period, and the distance that they make known."""
        known, filled = np.isfinite(value), np.nan_to_num(value)
        period = self.count.shape[1]
        phase = step % period
        moved = np.where(np.isnan(self.level), 1.0, SMOOTHING[:, None]) * known
        self.level = np.where(
            known, np.nan_to_num(self.level) * (1 - moved) + moved * filled, self.level
        )
        self.share *= (1 - moved)[:, :, None]
        self.share[:, :, phase] += moved
        self.count[:, phase] += known
        self.time[:, phase] += known * step
        self.squares += known * step**2
        self.values += filled
        self.products += filled * step
        centre = (step - period // 2) % period
        self.distance[:, centre] += np.nan_to_num(distance)
        self.distances[:, centre] += np.isfinite(distance)

    def model(self, adjustable: BoolArray) -> _Model:
        """Return both variants; they are equal for a series that cannot be adjusted."""
        season = self._season() * adjustable[:, None]
        variants = np.stack([np.zeros_like(season), season])
        count = self.count.sum(axis=1)
        decay = 1 - SMOOTHING[:, None]
        return _Model(
            level=self.level - np.einsum("knm,anm->kan", variants, self.share),
            drift=0.5 * self._slope(variants)[:, None, :],
            delay=(1 - decay**count) / (1 - decay),
            season=variants,
        )

    def _season(self) -> FloatArray:
        """Return the mean distance of each phase, shifted to add up to zero. ``(N, M)``."""
        mean = self.distance / np.maximum(self.distances, 1)
        return mean - mean.mean(axis=1, keepdims=True)

    def _slope(self, season: FloatArray) -> FloatArray:
        """Return the least-squares slope of the values less the seasonal indices. ``(K, N)``."""
        count, time = self.count.sum(axis=1), self.time.sum(axis=1)
        values = self.values - (season * self.count).sum(axis=2)
        products = self.products - (season * self.time).sum(axis=2)
        spread = count * self.squares - time**2
        slope = (count * products - time * values) / np.where(spread > 0, spread, 1.0)
        return np.where(count >= MIN_TREND, slope, 0.0)


def _from_centred_mean(demand: FloatArray, period: int) -> FloatArray:
    """Return the value half a season ago minus the mean of the season around it. ``(N, T)``.

    If the period is even, both ends of the mean have half weights. NaN before a whole season.
    """
    mean = rolling_mean(demand, period)
    if period % 2 == 0:
        mean[:, 1:] = (mean[:, 1:] + mean[:, :-1]) / 2
    middle = np.full_like(demand, np.nan)
    half = period // 2
    middle[:, half:] = demand[:, : demand.shape[1] - half]
    seen = period + 1 - period % 2  # periods that the mean reaches over
    return np.where(_age(demand) >= seen, middle - mean, np.nan)


def _adjustable(demand: FloatArray, period: int) -> BoolArray:
    """Return where two whole seasons lie at or before a position. Shape ``(N, T)``."""
    return (_age(demand) >= 2 * period) & (period > 1)


def _age(demand: FloatArray) -> FloatArray:
    """Return the number of periods since the first value, that one included. ``(N, T)``."""
    begun = np.logical_or.accumulate(np.isfinite(demand), axis=1)
    return begun.cumsum(axis=1)
