"""Promotions killed at random points: is the champion always a verified version?

    python -m benchmarks.promotion.kills [--count 500] [--seed 0]

Each promotion is a child, forked from a warm parent, that registers a bundle, verifies it and moves
the alias; a third of them are killed within each of: anywhere, the second half, the last tenth of
the time that one takes. After each kill the champion is looked at; then the same promotion runs
again, to the end. The model is loaded for its smoke forecast in a fork instead of in a new process.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import importlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import yaml
from omegaconf import OmegaConf

from benchmarks.sweep.cheap import ROOT
from restock.champions.challenge import Challenge
from restock.champions.model import EXAMPLE
from restock.champions.promote import Decision, make_champion
from restock.champions.registry import STATE_TAG, TREE_TAG
from restock.champions.store import Store, open_store
from restock.champions.verify import verify
from restock.champions.view import PromotionView
from restock.data.files import digest_tree
from restock.evaluation.scored import Scored
from restock.settings.tree import parse_settings
from restock.tracking.context import Context

sys.path.insert(0, str(ROOT / "tests"))

from support import forked, stages
from support.small_project import SMALL, restock, small_project

forked.imported[:] = forked.TRAINING

PHASES = {"anywhere": 0.0, "second half": 0.5, "last tenth": 0.9}


def warm() -> None:
    """Do in the parent what every child would do again: mostly imports."""
    importlib.import_module("support.warm")


def prepare(folder: Path) -> Context[PromotionView]:
    """Train and score a small bundle; return the surroundings it was made in."""
    small_project(folder)
    names = "evaluation.baselines.names=[naive,moving_median]"
    plain = [*SMALL, names, "tracking.name=none", "training.use_tuned=false"]
    for stage in ("train", "evaluate"):
        assert restock(folder, stage, *plain).returncode == 0
    shown = restock(folder, "train", *plain, "--cfg", "job").stdout
    config = yaml.safe_load(shown)
    config["data"] |= {"name": "own", "country": None, "price": None}
    tree: Any = OmegaConf.to_container(OmegaConf.create(config), resolve=True)
    tree["tracking"]["name"] = "mlflow"
    settings = parse_settings(tree, where="benchmark")
    return stages.context(settings, folder, "outputs").narrowed(PromotionView)


def promote(
    context: Context[PromotionView],
    number: int,
    load: Callable[[Path, Path], None] | None = None,
) -> None:
    """Promote a bundle of its own number, whatever it is worth."""
    settings, store = context.settings, store_of(context)
    store = dataclasses.replace(store, verify=partial(verify, load=load or load_in_fork))
    scored = renamed(Scored.read(context.files, settings.evaluation), number)
    challenge = Challenge(scored, settings)
    store.history.carry_through()
    champion = store.registry.champion()
    if champion is not None and champion.bundle == challenge.digest:
        return
    decision = Decision((f"promotion {number}",), "none", evaluation(store))
    make_champion(context, store, challenge, champion, decision)


def store_of(context: Context[PromotionView]) -> Store:
    """Open where the versions and moves are kept."""
    return open_store(context.settings.tracking, context.root)


def renamed(scored: Scored, number: int) -> Scored:
    """Give a bundle another name: to the registry it is another one."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    manifest = dataclasses.replace(scored.bundle.manifest, digest=digest)
    return dataclasses.replace(scored, bundle=dataclasses.replace(scored.bundle, manifest=manifest))


def evaluation(store: Store) -> str:
    """Return a run to register under."""
    found = store.registry.client.search_runs([store.experiment_id], "tags.kind = 'evaluation'")
    if found:
        return str(found[0].info.run_id)
    made = store.registry.client.create_run(store.experiment_id, tags={"kind": "evaluation"})
    return str(made.info.run_id)


def load_in_fork(model: Path, out: Path) -> None:
    """Load a model and answer its example, in a fork of this process."""

    def answer() -> None:
        loaded = mlflow.pyfunc.load_model(str(model))
        loaded.predict(pd.read_parquet(model / EXAMPLE)).to_parquet(out)

    assert wait(fork(answer)) == 0


def fork(work: Callable[[], None]) -> int:
    """Run something in a child; return its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def wait(child: int) -> int:
    """Return a child's exit code; 128 and more for one that was killed."""
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) % 256


def champion_is_good(context: Context[PromotionView]) -> bool:
    """Say whether the champion, if there is one, was verified and has its files whole."""
    registry = store_of(context).registry
    champion = registry.champion()
    if champion is None:
        return True
    with registry.download(champion) as model:
        whole = digest_tree(model) == champion.tags[TREE_TAG]
    return whole and champion.tags[STATE_TAG] == "verified"


def history_is_whole(context: Context[PromotionView]) -> bool:
    """Say whether moves are numbered without gaps, each from where the last one led."""
    store = store_of(context)
    moves = store.history.carry_through()
    numbers = [move.number for move in moves] == list(range(1, len(moves) + 1))
    linked = all(a.to_version == b.from_version for a, b in itertools.pairwise(moves))
    champion = store.registry.champion()
    last = moves[-1].to_version if moves else None
    return numbers and linked and last == (champion.version if champion else None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        context = prepare(Path(scratch))
        warm()
        started = time.perf_counter()
        assert wait(fork(partial(promote, context, 0))) == 0
        took = time.perf_counter() - started
        for number in range(1, given.count + 1):
            phase = list(PHASES)[number % 3]
            child = fork(partial(promote, context, number))
            time.sleep(took * draw.uniform(PHASES[phase], 1.0))
            os.kill(child, signal.SIGKILL)
            killed = wait(child) >= 128
            counts[f"killed, {phase}" if killed else "ended before the kill"] += 1
            check = fork(partial(must, champion_is_good, context))
            counts["bad champions"] += wait(check) != 0
            started = time.perf_counter()
            again = wait(fork(partial(promote, context, number)))
            took = 0.8 * took + 0.2 * (time.perf_counter() - started)
            counts["not promoted when run again"] += again != 0
            if number % 25 == 0:
                print(f"after {number}: {dict(counts)}", file=sys.stderr, flush=True)
        counts["histories with a gap"] += wait(fork(partial(must, history_is_whole, context)))
    print(
        json.dumps({"promotions": given.count, "seconds each": round(took, 2), **counts}, indent=1)
    )
    bad = ("bad champions", "not promoted when run again", "histories with a gap")
    return int(any(counts[name] for name in bad))


def must(check: Callable[[Context[PromotionView]], bool], context: Context[PromotionView]) -> None:
    """Raise if a check fails."""
    if not check(context):
        raise AssertionError(check.__name__)


if __name__ == "__main__":
    sys.exit(main())
