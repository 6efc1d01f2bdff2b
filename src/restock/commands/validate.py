"""Check a table as stage prepare would, and report all that is wrong; no panel is written."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from restock.commands.arguments import Arguments
from restock.commands.views import ValidateView
from restock.data.clean import make_panel
from restock.data.files import write_json
from restock.data.raw import RawTable
from restock.data.rows import read_rows
from restock.data.sources.kinds import open_source
from restock.data.sources.source import fetch
from restock.errors import RejectedError, UserError
from restock.settings.source import FileSource
from restock.stages.prepare import check_later_steps
from restock.tracking.context import Context
from restock.tracking.protocol import Parts
from restock.types import layout


def run(context: Context[ValidateView], arguments: Arguments) -> Parts:  # noqa: ARG001
    """Report what is wrong with the table, as text and in validation.json.

    Raises:
        UserError: If stage prepare would refuse the table. The message says all that it would.
        RejectedError: If it would put rows aside.
    """
    raw: RawTable | None = None
    report: dict[str, Any] = {}
    error: UserError | None = None
    try:
        raw = _read(context.settings)
        panel, report = make_panel(raw, context.settings.data, context.settings.evaluation)
        check_later_steps(panel, context.settings.evaluation, context.settings.inventory)
    except UserError as caught:
        error = caught
    findings = raw.findings if raw is not None else None
    path = context.files.write(layout.VALIDATION)
    content: dict[str, Any] = {
        "usable": error is None,
        "error": None if error is None else str(error),
        "counts": findings.counts() if findings else {},
        "findings": findings.plain() if findings else [],
        "said": list(findings.said.values()) if findings else [],
        **{key: report[key] for key in ("rows_read", "rows_kept") if key in report},
    }
    write_json(path, content)
    for sentence in content["said"]:
        context.console.note(sentence)
    if error is not None:
        raise error
    assert findings is not None
    aside = len(findings.quarantine)
    if aside:
        raise RejectedError(f"{aside} of {report['rows_read']} rows would be put aside; see {path}")
    context.console.note(f"the table can be used; {report['rows_read']} rows checked; see {path}")
    return []


def _read(settings: ValidateView) -> RawTable:
    source, data = settings.data.source, settings.data
    if isinstance(source, FileSource):
        return read_rows(Path(source.path), data, source)
    with tempfile.TemporaryDirectory(prefix="restock-") as folder:
        fetch(open_source(source), Path(folder) / layout.RAW)
        return read_rows(Path(folder) / layout.RAW, data, source)
