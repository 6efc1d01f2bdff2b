"""Peers on the cuts of regret.py, beside what the product answered there.

python benchmarks/accuracy/beside.py NAME                # the confirming cuts in results/NAME
python benchmarks/accuracy/beside.py NAME oj-h8-0        # some cuts
python benchmarks/accuracy/beside.py NAME --report       # the table anew, from what is stored

A peer gets the panel, covariates, cuts and levels of restock, and is scored by the same code.
neuralforecast's LSTM trains for the seconds that tuning and training took there. Results lie in
results/NAME/peers, a file a cut.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cuts import CUTS
from exchange import Exchange
from regret import RESULTS, Bench, least, prepare, scored, stored_in
from report import TITLES, table
from scoring import score_peer

from restock.data.files import read_json, write_json
from restock.forecasters.names import LSTM, MIX

PEERS = ("trees", "lstm")
SHOWN = ("sql", "wql", "wape")


def run_cut(
    bench: Bench, peers: list[str], seconds: float
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield each peer and its losses on a cut."""
    with tempfile.TemporaryDirectory() as folder:
        exchange = Exchange(Path(folder), bench.panel, bench.folds.test, bench.settings)
        exchange.write(seconds, fast=False)
        for peer in peers:
            exchange.run(peer)
            yield TITLES[peer], scored(score_peer(exchange, peer))


def summary(own: dict[str, Any], peers: dict[str, Any]) -> str:
    """Return a row a cut: what was answered, what else stood there, and the peers."""
    rows = []
    for name in (cut for cut in own if cut in peers):
        losses, beside = own[name]["losses"], peers[name]
        baselines = {n: v for n, v in losses.items() if n not in (LSTM, MIX) and "+" not in n}
        columns = [losses[own[name]["chosen"]], losses[LSTM]]
        columns += [{loss: least({"losses": baselines}, loss) for loss in SHOWN}]
        columns += [beside.get(TITLES[peer], {}) for peer in PEERS]
        rows.append([name, *(_cell(column) for column in columns)])
    return table(
        ["cut", "answer", "network alone", "best own baseline", *map(TITLES.get, PEERS)], rows
    )


def _cell(losses: dict[str, float]) -> str:
    return ", ".join(f"{losses[loss]:.4f}" for loss in SHOWN) if losses else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", metavar="NAME", help="folder of results")
    parser.add_argument("cuts", nargs="*", metavar="CUT", help="names, as regret.py has them")
    parser.add_argument("--report", action="store_true", help="only write the table anew")
    options = parser.parse_args()
    folder = RESULTS / options.name
    into, own = folder / "peers", stored_in(folder)
    into.mkdir(exist_ok=True)
    wanted = options.cuts or [name for name in own if CUTS[name].confirm]
    for name in [] if options.report else wanted:
        path, took = into / f"{name}.json", own[name]["seconds"]
        found = read_json(path) if path.is_file() else {}
        if missing := [peer for peer in PEERS if TITLES[peer] not in found]:
            with tempfile.TemporaryDirectory() as scratch:
                bench = prepare(CUTS[name], Path(scratch))
                for title, losses in run_cut(bench, missing, took["tune"] + took["train"]):
                    found[title] = losses
                    write_json(path, found)
    print(f"In each cell: {', '.join(SHOWN)}.\n\n{summary(own, stored_in(into))}")


if __name__ == "__main__":
    main()
