"""Accuracy of restock beside its peers, on the same cuts, scored by the same code.

python benchmarks/accuracy/run.py                    # every set: hours on two cores
python benchmarks/accuracy/run.py stallion oj        # some
python benchmarks/accuracy/run.py stallion --fast    # does it run at all?
python benchmarks/accuracy/run.py oj --peers         # only the peers, beside stored scores
python benchmarks/accuracy/run.py oj --earlier 2     # the two tests before it, on its panel
python benchmarks/accuracy/run.py --baselines-only   # restock's baselines, nothing trained
python benchmarks/accuracy/run.py --report           # write the report anew
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exchange import Exchange
from pipeline import (
    FAST,
    FORECAST,
    PREPARE,
    arguments,
    prepare_table,
    read_seconds,
    read_settings,
    run_stages,
    start_anew,
    until,
)
from report import TITLES, earlier_tests, report
from scoring import (
    baseline_scores,
    cost,
    onnx_from_keras,
    peer_scores,
    restock_costs,
    score_peer,
    stored_scores,
)
from sets import HERE, SETS, BenchmarkSet, environment_path

from restock.data.files import read_json, write_json
from restock.data.store import load_panel, save_panel
from restock.evaluation.selection import folds_with_demand
from restock.types import layout

FAST_SECONDS = 20.0  # of a peer's training


@dataclass(frozen=True)
class Bench:
    """One set in its folder."""

    benchmark: BenchmarkSet
    folder: Path
    fast: bool
    tests_ago: int = 0

    @property
    def outputs(self) -> Path:
        """Return where restock writes."""
        return self.folder / "outputs"

    def given(self) -> list[str]:
        """Return the arguments of restock's commands."""
        chosen = (f"experiment={self.benchmark.name}", *(FAST if self.fast else ()))
        return arguments(self.benchmark, chosen, self.folder)

    def exchange(self) -> Exchange:
        """Open the exchange on restock's own panel and folds."""
        settings, panel = read_settings(self.given()), load_panel(self.outputs / layout.PANEL)
        fold = folds_with_demand(panel, settings.evaluation).test
        return Exchange(self.folder / "peers", panel, fold, settings)

    def run_prepare(self) -> None:
        """Make the panel in an empty folder, and nothing more."""
        start_anew(self.folder)
        prepare_table(self.benchmark, self.folder)
        run_stages(PREPARE, self.given(), self.folder)

    def earlier(self, tests_ago: int) -> Bench:
        """Return the same set as it was so many tests ago, its panel made from this one."""
        folder = self.folder / f"earlier-{tests_ago}"
        own = Bench(replace(self.benchmark, peers=("trees",)), folder, self.fast, tests_ago)
        settings, panel = read_settings(self.given()), load_panel(self.outputs / layout.PANEL)
        start_anew(folder)
        save_panel(until(panel, settings, tests_ago), own.outputs / layout.PANEL)
        return own

    def run(self) -> None:
        """Run restock, then its peers, on the panel."""
        self.run_restock()
        self.run_peers()

    def run_restock(self) -> None:
        """Run restock's stages on the panel and keep their scores."""
        run_stages(FORECAST, self.given(), self.folder)
        models = stored_scores(self.outputs)
        if self.benchmark.with_cost:
            for name, value in restock_costs(self.exchange(), self.outputs).items():
                models[name]["cost"] = value
        self.store(
            models,
            {"restock: tuning, rehearsal and training": self.train_seconds()},
            onnx_from_keras(self.exchange(), self.outputs),
        )

    def run_peers(self) -> None:
        """Run the peers and keep their scores beside restock's."""
        stored = self.load()
        exchange = self.exchange()
        exchange.write(FAST_SECONDS if self.fast else self.train_seconds(), fast=self.fast)
        for peer in self.benchmark.peers:
            timing = exchange.run(peer)
            backtest = score_peer(exchange, peer)
            scores = peer_scores(backtest)
            if self.benchmark.with_cost:
                scores["cost"] = cost(backtest)
            stored["models"][TITLES[peer]] = scores
            stored["seconds"][TITLES[peer]] = timing["seconds"]
            self.store(stored["models"], stored["seconds"], stored["apart"])

    def run_baselines(self) -> None:
        """Score restock's baselines on a prepared panel, with nothing trained."""
        self.run_prepare()
        exchange = self.exchange()
        self.store(baseline_scores(exchange.settings, exchange.panel, exchange.fold), {})

    def train_seconds(self) -> float:
        """Return the seconds of restock's stages tune and train."""
        seconds = read_seconds(self.folder)
        return seconds["tune"] + seconds["train"]

    def store(
        self, models: dict[str, Any], seconds: dict[str, float], apart: float | None = None
    ) -> None:
        """Keep scores, seconds, and how far ONNX Runtime is from Keras."""
        content = {
            "set": self.benchmark.name,
            "title": self.benchmark.title,
            "fast": self.fast,
            "tests_ago": self.tests_ago,
            "models": models,
            "seconds": seconds,
            "apart": apart,
        }
        write_json(self.folder / "scores.json", content)

    def load(self) -> dict[str, Any]:
        """Return what was kept."""
        return read_json(self.folder / "scores.json")


def write_report(work: Path) -> None:
    """Print and write the report of every set that has scores."""

    def stored(pattern: str) -> list[dict[str, Any]]:
        return [read_json(path) for name in SETS for path in sorted((work / name).glob(pattern))]

    results, before = stored("scores.json"), stored("earlier-*/scores.json")
    text = report(results) + earlier_tests(results, before)
    (work / "report.md").write_text(text, encoding="utf-8")
    print(text)


def main() -> None:
    parser = argparse.ArgumentParser(description="Accuracy of restock beside its peers.")
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(SETS))
    parser.add_argument("--fast", action="store_true", help="few epochs: check the machinery")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--report", action="store_true", help="only write the report anew")
    only.add_argument("--peers", action="store_true", help="only run the peers")
    only.add_argument("--baselines-only", action="store_true", help="train nothing")
    only.add_argument(
        "--earlier", type=int, default=0, metavar="TESTS", help="only these before; no LSTM peer"
    )
    options = parser.parse_args()
    if options.earlier < 0:
        parser.error("--earlier counts tests before the test: 1 or more")
    unknown = [name for name in options.sets if name not in SETS]
    if unknown:
        parser.error(f"no set {', '.join(unknown)}; there are {', '.join(SETS)}")
    work = environment_path("RESTOCK_BENCHMARK_WORK", HERE / "work")
    # What is not comparable with full results never lies beside them.
    kind = "fast" if options.fast else "baselines" if options.baselines_only else "full"
    for name in [] if options.report else options.sets or SETS:
        bench = Bench(SETS[name], work / kind / name, options.fast)
        if options.baselines_only:
            bench.run_baselines()
        elif options.peers:
            bench.run_peers()
        elif options.earlier:
            for tests_ago in range(1, options.earlier + 1):
                bench.earlier(tests_ago).run()
        else:
            bench.run_prepare()
            bench.run()
    write_report(work / kind)


if __name__ == "__main__":
    main()
