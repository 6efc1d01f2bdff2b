"""LightGBM on the cuts of regret.py, beside what the product answered there.

python benchmarks/accuracy/beside.py NAME                # the confirming cuts in results/NAME
python benchmarks/accuracy/beside.py NAME oj-h8-0        # some cuts
python benchmarks/accuracy/beside.py NAME --report       # the table anew, from what is stored

LightGBM gets the panel, covariates, cuts and levels of restock, and is scored by the same code.
Its results lie in results/peers, a file a cut: no commit of restock changes them.
"""

from __future__ import annotations

import argparse
from typing import Any

from cuts import CUTS
from exchange import Exchange
from regret import RESULTS, Bench, least, run_missing, scored, stored_in
from report import TITLES, table
from scoring import score_peer

from restock.forecasters.names import LSTM, MIX

PEER, PEERS = "trees", RESULTS / "peers"
SHOWN = ("sql", "wql", "wape")
HEADINGS = ["cut", "answer", "network alone", "best own baseline", TITLES[PEER]]


def run_cut(bench: Bench) -> dict[str, float]:
    """Return the peer's losses on a cut."""
    exchange = Exchange(bench.folder / "peers", bench.panel, bench.folds.test, bench.settings)
    exchange.write(0.0, fast=False)  # of its time, which LightGBM is not limited in
    exchange.run(PEER)
    return scored(score_peer(exchange, PEER))


def summary(own: dict[str, Any], peer: dict[str, Any]) -> str:
    """Return a row a cut: what was answered, what else stood there, and the peer."""
    rows = []
    for name in (cut for cut in own if cut in peer):
        losses = own[name]["losses"]
        baselines = {n: v for n, v in losses.items() if n not in (LSTM, MIX) and "+" not in n}
        best = {loss: least(baselines, loss) for loss in SHOWN}
        columns = [losses[own[name]["chosen"]], losses[LSTM], best, peer[name]]
        cells = (", ".join(f"{column[loss]:.4f}" for loss in SHOWN) for column in columns)
        rows.append([name, *cells])
    return table(HEADINGS, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", metavar="NAME", help="folder of results")
    parser.add_argument("cuts", nargs="*", metavar="CUT", help="names, as regret.py has them")
    parser.add_argument("--report", action="store_true", help="only write the table anew")
    options = parser.parse_args()
    own = stored_in(RESULTS / options.name)
    if not options.report:
        confirming = [name for name in own if CUTS[name].confirm]
        run_missing(options.cuts or confirming, PEERS, run_cut)
    print(f"In each cell: {', '.join(SHOWN)}.\n\n{summary(own, stored_in(PEERS))}")


if __name__ == "__main__":
    main()
