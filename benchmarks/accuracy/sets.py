"""The sets: where each table comes from, and what else is reported of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from simulate import SIMULATIONS

HERE = Path(__file__).resolve().parent


def environment_path(name: str, default: Path) -> Path:
    """Return a folder that an environment variable names."""
    return Path(os.environ.get(name, default)).resolve()


def peers_python() -> Path:
    """Return the peers' interpreter, or leave with what to do."""
    # Not resolved: a virtual environment is known by the link's own place.
    venv = Path(os.environ.get("RESTOCK_PEERS_VENV", HERE / "peers" / ".venv")).absolute()
    python = venv / "bin" / "python"
    if not python.exists():
        sys.exit(f"{python} is missing: run `bash benchmarks/accuracy/peers/setup` first")
    return python


def _raw(name: str) -> pd.DataFrame:
    folder = os.environ.get("RESTOCK_BENCHMARK_DATA")
    if folder is None or not (Path(folder) / name).is_file():
        sys.exit(f"RESTOCK_BENCHMARK_DATA must name a folder with {name}; see the README here")
    return pd.read_parquet(Path(folder) / name)


def _orange_juice(path: Path) -> None:
    """Keep each brand's own price of the eleven that a row holds."""
    table = _raw("dominicks_oj_weekly.parquet")
    prices = table[[f"price{brand}" for brand in range(1, 12)]].to_numpy()
    table["price"] = prices[range(len(table)), table["brand"].to_numpy() - 1]
    kept = table[["store", "brand", "week", "logmove", "price", "deal", "feat"]]
    kept.astype({"store": str, "brand": str}).to_parquet(path, index=False)


def _stallion(path: Path) -> None:
    table = _raw("stallion_agency_sku_monthly.parquet")
    table.astype({"agency": str, "sku": str}).to_parquet(path, index=False)


def _car_parts(path: Path) -> None:
    _raw("carparts_monthly_nan.parquet").dropna(subset="y").to_parquet(path, index=False)


def _m3(path: Path) -> None:
    script = HERE / "peers" / "m3.py"
    subprocess.run([peers_python(), script, path], check=True)


def _store_item(path: Path) -> None:
    """Keep 300 of the 500 series: the items of six stores."""
    table = _raw("store_item_daily.parquet")
    kept = table[table["store"] <= 6].astype({"store": str, "item": str})
    kept.to_parquet(path, index=False)


def _simulated(name: str) -> Callable[[Path], None]:
    def prepare(path: Path) -> None:
        SIMULATIONS[name]().table().to_parquet(path, index=False)

    return prepare


@dataclass(frozen=True)
class BenchmarkSet:
    """One set.

    Attributes:
        name: Of its file in conf/experiment, too.
        title: For the report.
        prepare: Writes its table; None where restock fetches it.
        peers: Which peers stand beside restock.
        with_cost: Whether stock costs are reported.
    """

    name: str
    title: str
    prepare: Callable[[Path], None] | None = None
    peers: tuple[str, ...] = ("lstm", "trees")
    with_cost: bool = False


SETS = {
    s.name: s
    for s in (
        BenchmarkSet("retail4", "Online Retail II, 4 weeks ahead, 3 origins"),
        BenchmarkSet("retail8", "Online Retail II, 8 weeks ahead, 1 origin"),
        BenchmarkSet("oj", "Dominick's orange juice, 8 weeks ahead", _orange_juice),
        BenchmarkSet("stallion", "Stallion, 6 months ahead", _stallion),
        BenchmarkSet("m3", "M3 monthly, 18 months ahead", _m3, ("lstm", "trees", "ets")),
        BenchmarkSet("carparts", "Car parts, 12 months ahead", _car_parts, with_cost=True),
    )
}

# Those of regret.py: SETS alone have peers beside them.
REGRET_SETS = SETS | {
    s.name: s
    for s in (
        BenchmarkSet("online_retail", "Online Retail II"),
        BenchmarkSet("pbs", "PBS scripts"),
        BenchmarkSet("aus_retail", "Australian retail"),
        BenchmarkSet("store_item", "Store-item", _store_item),
        BenchmarkSet("sim_daily", "Simulated stores", _simulated("daily")),
        BenchmarkSet("sim_weekly", "Simulated products", _simulated("weekly")),
    )
}
