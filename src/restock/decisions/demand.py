"""Lead-time demand: the distribution of *total* demand over an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restock.errors import ConfigError
from restock.types.forecast import DemandForecast
from restock.types.panel import FloatArray


@dataclass(frozen=True)
class LeadTimeDemand:
    """Quantiles of the total demand of N series over an interval.

    They come from the forecast's totals, never from sums of quantiles of periods. Between levels,
    the quantile function is linear. Below the first level it falls linearly to zero. Above the
    last level it continues as an exponential tail, fitted to the last two levels.

    Attributes:
        levels: Quantile levels in (0, 1), rising. Shape ``(Q,)``.
        totals: Total demand in units. Shape ``(N, Q)``.
        num_periods: Number of periods of the interval.
    """

    levels: FloatArray
    totals: FloatArray
    num_periods: int

    @classmethod
    def from_forecast(cls, forecast: DemandForecast, num_periods: int) -> LeadTimeDemand:
        """Take the running total after ``num_periods`` periods from a forecast.

        Args:
            forecast: Forecast of N series over H periods.
            num_periods: Length of the interval, at most H: lead time plus review period.

        Raises:
            ConfigError: If the interval is longer than the forecast.
        """
        check_reach(num_periods, forecast.cumulative.shape[1])
        return cls(forecast.levels, forecast.cumulative[:, num_periods - 1], num_periods)

    def quantile(self, level: float) -> FloatArray:
        """Return the quantile of the total at ``level``, in units. Shape ``(N,)``."""
        return self._quantiles(np.array([level]))[:, 0]

    def mean(self) -> FloatArray:
        """Return expected total demand, in units. Shape ``(N,)``."""
        return self._quantiles(MIDPOINTS).mean(axis=1)

    def expected_shortage(self, stock: FloatArray) -> FloatArray:
        """Return the expected missing units, E[max(demand - stock, 0)]. Shapes ``(N,)``."""
        return np.maximum(self._quantiles(MIDPOINTS) - stock[:, None], 0.0).mean(axis=1)

    def expected_leftover(self, stock: FloatArray) -> FloatArray:
        """Return the expected units left over, E[max(stock - demand, 0)]. Shapes ``(N,)``."""
        return np.maximum(stock[:, None] - self._quantiles(MIDPOINTS), 0.0).mean(axis=1)

    def _quantiles(self, wanted: FloatArray) -> FloatArray:
        """Interpolate each row's quantile function at levels ``(W,)``. Shape ``(N, W)``."""
        levels = np.concatenate([[0.0], self.levels])
        totals = np.concatenate([np.zeros((len(self.totals), 1)), self.totals], axis=1)
        inside = np.minimum(wanted, levels[-1])
        high = np.clip(np.searchsorted(levels, inside), 1, len(levels) - 1)
        share = (inside - levels[high - 1]) / (levels[high] - levels[high - 1])
        values = totals[:, high - 1] + (totals[:, high] - totals[:, high - 1]) * share
        # Exponential tail: halving the probability above adds the same number of units each time.
        slope = (totals[:, -1] - totals[:, -2]) / np.log((1 - levels[-2]) / (1 - levels[-1]))
        beyond = np.log((1 - levels[-1]) / (1 - np.maximum(wanted, levels[-1])))
        return values + slope[:, None] * beyond[None, :]


def check_reach(num_periods: int, horizon: int) -> None:
    """Refuse a protection interval that the forecast does not cover.

    Raises:
        ConfigError: If it does not. The message names both lengths.
    """
    if num_periods > horizon:
        raise ConfigError(
            f"the protection interval (lead time + review period) is {num_periods} periods, "
            f"longer than the forecast horizon of {horizon}. Raise evaluation.horizon or lower "
            "inventory.lead_time or inventory.review_period."
        )


# An expectation is the mean of the quantiles at these levels: the middles of 400 equal slices.
MIDPOINTS = (np.arange(400) + 0.5) / 400
