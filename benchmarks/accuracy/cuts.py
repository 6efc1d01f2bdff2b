"""The cuts that regret is measured on, and which of them are kept to confirm.

A cut is a set, a horizon, and how many whole tests before the last one its history ends. They were
split before anything was measured: `confirm` are the last cuts of every set that has several, and
two whole sets. No development cut is tested in a period in which a confirming cut of its set is.
"""

from __future__ import annotations

from dataclasses import dataclass

from sets import REGRET_SETS, BenchmarkSet


@dataclass(frozen=True)
class Cut:
    """One cut.

    Attributes:
        data: Name of its set, and of its file in conf/data.
        horizon: Periods that are forecast.
        num_folds: Test origins.
        stride: Periods between two of them.
        tests_ago: How many whole tests before the last one the history ends.
        confirm: Whether it is run once at the end, and nothing is chosen by it.
        align: `series_end` where each series is tested on its own last periods.
    """

    data: str
    horizon: int
    num_folds: int = 1
    stride: int = 1
    tests_ago: int = 0
    confirm: bool = False
    align: str = "calendar"

    @property
    def name(self) -> str:
        """Return a name that no other cut has."""
        return f"{self.data}-h{self.horizon}-{self.tests_ago}"

    @property
    def benchmark(self) -> BenchmarkSet:
        """Return its set."""
        return REGRET_SETS[self.data]

    @property
    def arguments(self) -> list[str]:
        """Return what a new user would say: which data, how far ahead, how it is tested."""
        return [
            f"data={self.data}",
            f"evaluation.horizon={self.horizon}",
            f"evaluation.num_folds={self.num_folds}",
            f"evaluation.stride={self.stride}",
            f"evaluation.align={self.align}",
        ]


def _cuts(
    data: str, horizon: int, *tests_ago: int, confirm: tuple[int, ...] = (0,),
    align: str = "calendar", num_folds: int = 1, stride: int = 1,
) -> list[Cut]:  # fmt: skip
    """Return cuts of a set, some tests ago; those of ``confirm`` are the confirming ones."""
    return [Cut(data, horizon, num_folds, stride, ago, ago in confirm, align) for ago in tests_ago]


CUTS = {
    cut.name: cut
    for cut in (
        *_cuts("online_retail", 4, 0, 3, 4, num_folds=3, stride=4),
        *_cuts("online_retail", 13, 0, 2),
        *_cuts("online_retail", 26, 0, 1),
        *_cuts("pbs", 12, 0, 1, 2, 3),
        *_cuts("aus_retail", 12, 0, 1, 2, confirm=(0, 1, 2)),
        *_cuts("m3", 18, 0, 1, align="series_end"),
        *_cuts("oj", 8, 0, 1, 2, 3, align="series_end"),
        *_cuts("stallion", 6, 0, 1, 2, 3),
        *_cuts("carparts", 12, 0, 1, confirm=(0, 1)),
        *_cuts("store_item", 28, 0, 4, 5),
        *_cuts("store_item", 90, 0, 1),
        *_cuts("sim_daily", 48, 0, 1, num_folds=10, stride=24),
        *_cuts("sim_weekly", 39, 0, confirm=()),
    )
}
