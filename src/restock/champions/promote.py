"""Judge a bundle. If it passes every gate, register it, verify it and make it champion."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

from restock.champions.card import CARD, CARD_PAGE, make_card, to_markdown
from restock.champions.challenge import Challenge
from restock.champions.model import save_model
from restock.champions.moves import Move
from restock.champions.page import PAGE, promotion_page
from restock.champions.registry import ModelVersion
from restock.champions.store import Store, open_store
from restock.champions.verdict import Candidate, Verdict, judge
from restock.champions.view import PromotionView
from restock.data.files import read_json, replacing, write_json
from restock.evaluation.report import log_report
from restock.evaluation.scored import Scored
from restock.tracking.context import Context
from restock.tracking.mlflow.tracker import BUNDLE_TAG, COMMAND_TAG, close_pipeline, open_run
from restock.types import layout
from restock.types.layout import Layout


@dataclass(frozen=True)
class Decision:
    """The decision to make a bundle champion.

    Attributes:
        reasons: Why; never empty.
        run_id: Run that logged the decision.
        evaluation: Run that scored the bundle.
    """

    reasons: tuple[str, ...]
    run_id: str
    evaluation: str


def promote(context: Context[PromotionView], scored: Scored, *, dry_run: bool = False) -> None:
    """Decide, record the decision, and carry it out.

    Args:
        context: Settings with the gates, files, console.
        scored: The challenger.
        dry_run: Only decide; nothing is recorded.

    Raises:
        ConfigError: If tracking is off.
        IntegrityError: If the registered version does not give the same forecasts as the bundle.
        ConflictError: If somebody else made a champion in the meantime.
    """
    settings, console, files = context.settings, context.console, context.files
    store = open_store(settings.tracking, context.root)
    challenge = Challenge(scored, settings)
    if not dry_run:
        store.history.carry_through()
    champion = store.registry.champion()
    if champion is not None and champion.bundle == challenge.digest:
        console.note(f"{champion.label} is champion already")
        if not _is_left(files, challenge):
            verdict, candidates = _judge(challenge, None, store)
            _leave(files, verdict, candidates, None, champion)
        _end_pipeline(context, challenge)
        return
    verdict, candidates = _judge(challenge, champion, store)
    for check in verdict.checks:
        console.note(f"{'passed' if check.passed else 'REFUSED'} {check.name}: {check.said}")
    if dry_run:
        console.note("dry run: nothing was recorded")
        return
    _leave(files, verdict, candidates, champion, None)
    evaluation = _evaluation(context, store, challenge)
    decision = _record(context, verdict, evaluation)
    if verdict.promote:
        version = make_champion(
            context, store, challenge, champion, Decision(verdict.reasons, decision, evaluation)
        )
        _leave(files, verdict, candidates, champion, version)
        console.note(f"promoted {version.label} to champion: {verdict.reasons[0]}")
    else:
        console.note(f"not promoted: {'; '.join(verdict.reasons)}")
    _end_pipeline(context, challenge)


def make_champion(
    context: Context[PromotionView],
    store: Store,
    challenge: Challenge,
    champion: ModelVersion | None,
    decision: Decision,
) -> ModelVersion:
    """Register a bundle, verify the registered version, and move the alias, in this order.

    It may be killed between any two steps and run again. Finished steps are not repeated.

    Args:
        context: Settings, files and console.
        store: Registry and history.
        challenge: The challenger.
        champion: The champion that it was compared with.
        decision: The decision.

    Raises:
        IntegrityError: If the registered files are not the bundle's, or give other forecasts.
        ConflictError: If somebody else made a champion in the meantime.
    """
    version = _register(context, store, challenge, decision.evaluation)
    store.verify(store.registry, version)
    move = _move(context, version, challenge, decision)
    store.history.move(champion.version if champion else None, move)
    return version


def _judge(
    challenge: Challenge, champion: ModelVersion | None, store: Store
) -> tuple[Verdict, dict[str, Candidate]]:
    """Judge the bundle. The champion is scored again, on the same test folds."""
    settings = challenge.settings
    candidates = {"challenger": challenge.candidate(challenge.name, challenge.scored.bundle)}
    if champion is not None:
        with store.bundle_of(champion) as bundle:
            candidates[champion.label] = challenge.candidate(champion.label, bundle)
    verdict = judge(
        candidates["challenger"],
        candidates.get(champion.label) if champion else None,
        challenge.baselines(),
        segments=challenge.segments(),
        settings=settings.promotion,
        seed=settings.seed,
    )
    return verdict, candidates


def _register(
    context: Context[PromotionView], store: Store, challenge: Challenge, evaluation: str
) -> ModelVersion:
    """Return the version with this bundle; register it if there is none."""
    found = store.registry.find(challenge.digest)
    if found is not None:
        return found
    scored = challenge.scored
    quality = read_json(context.files.read(layout.PREPARE_REPORT))
    manifest = scored.bundle.manifest
    card = make_card(context.settings, manifest, quality, scored.report, _labels(context))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        model = save_model(scored.bundle, context.settings.inventory, scored.panel, folder)
        write_json(model / CARD, card)
        (model / CARD_PAGE).write_text(to_markdown(card), encoding="utf-8")
        version = store.registry.register(
            model,
            challenge.digest,
            evaluation,
            tags=_tags(context, challenge),
            description=to_markdown(card),
        )
    context.console.note(f"registered {version.label}")
    return version


def _labels(context: Context[PromotionView]) -> dict[str, str]:
    """Return the labels for runs of this promotion."""
    return {"commit": context.origin.commit}


def _tags(context: Context[PromotionView], challenge: Challenge) -> dict[str, str]:
    shown = ("wql", "wape", "mase")
    scored = challenge.scored
    tags = {f"test.{k}": f"{v:.6g}" for k, v in scored.scores.items() if k in shown}
    tags["restock.data"] = scored.bundle.manifest.data_digest
    return tags | {f"restock.{name}": value for name, value in _labels(context).items()}


def _move(
    context: Context[PromotionView], version: ModelVersion, challenge: Challenge, decision: Decision
) -> Move:
    return Move(
        number=0,
        kind="promote",
        from_version=None,
        to_version=version.version,
        reason="; ".join(decision.reasons),
        bundle=version.bundle,
        data=challenge.scored.bundle.manifest.data_digest,
        commit=context.origin.commit,
        run_id=decision.run_id,
        metrics=challenge.scored.scores,
    )


def _evaluation(context: Context[PromotionView], store: Store, challenge: Challenge) -> str:
    """Return the run that scored the bundle. If there is none, log the stored report as a run.

    There is none after `dvc pull`, or if the tracking store was lost.
    """
    query = f"tags.`{BUNDLE_TAG}` = '{challenge.digest}' and tags.`{COMMAND_TAG}` = 'evaluate'"
    for found in store.registry.client.search_runs([store.experiment_id], query, max_results=1):
        return str(found.info.run_id)
    tags = {**_labels(context), BUNDLE_TAG: challenge.digest}
    with open_run(context.settings.tracking, context.root, "evaluate", tags) as run:
        log_report(run, challenge.scored.report)
        run.set_tags({"restock.source": "stored report"})
        for name in (layout.METRICS, layout.LEADERBOARD, layout.LOSSES):
            run.log_artifact(context.files.read(name))
        return run.run_id


def _record(context: Context[PromotionView], verdict: Verdict, evaluation: str) -> str:
    """Log the decision as its own run, whether it is a promotion or a refusal."""
    tracking = context.settings.tracking
    with open_run(tracking, context.root, "promote", _labels(context)) as run:
        run.set_tags(
            {
                "restock.verdict": "promote" if verdict.promote else "refuse",
                "restock.evaluation": evaluation,
                "mlflow.note.content": "; ".join(verdict.reasons),
            }
        )
        run.log_metrics({f"saving.{c.rival}": c.saving for c in verdict.comparisons})
        run.log_artifact(context.files.write(layout.PROMOTION))
        run.log_artifact(context.files.write(layout.VERDICT))
        return run.run_id


def _leave(
    files: Layout,
    verdict: Verdict,
    candidates: dict[str, Candidate],
    before: ModelVersion | None,
    version: ModelVersion | None,
) -> None:
    """Write the page and the verdict. They name versions, so they cannot be outputs of a stage."""
    champion = version or before
    title = f"Challenger against {before.label}" if before else "Challenger, with no champion yet"
    with replacing(files.write(layout.PROMOTION)) as aside:
        aside.mkdir()
        promotion_page(verdict, title, candidates).write(aside / PAGE)
    content = {
        "promote": verdict.promote,
        "reasons": list(verdict.reasons),
        "checks": [dataclasses.asdict(check) for check in verdict.checks],
        "comparisons": [dataclasses.asdict(found) for found in verdict.comparisons],
        "version": version.version if version else None,
        "champion": champion.version if champion else None,
        "model": champion.name if champion else None,
        "bundle": candidates["challenger"].bundle,
    }
    write_json(files.write(layout.VERDICT), content)


def _is_left(files: Layout, challenge: Challenge) -> bool:
    """Say whether the verdict on this bundle is on disk."""
    path = files.read(layout.VERDICT)
    stored = read_json(path) if path.is_file() else {}
    return bool(stored.get("bundle") == challenge.digest and stored["version"])


def _end_pipeline(context: Context[PromotionView], challenge: Challenge) -> None:
    """End the pipeline's run. This is the last command of a pipeline that logs."""
    close_pipeline(context.settings.tracking, context.root, challenge.scored.scores)
