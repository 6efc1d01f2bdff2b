"""Runs on disk first: nothing is lost, nothing is sent twice, training never waits."""

from __future__ import annotations

from pathlib import Path

from restock.tracking.spool import Spool, SpoolRun, events
from support.tracking_contract import SenderContract


class TestSender(SenderContract):
    pass


def test_a_line_that_was_cut_short_is_no_event(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    run = spool.open("train")
    with run._path.open("ab") as file:
        file.write(b'{"kind": "metr')
    assert [event["kind"] for event in events(run._path.read_bytes())] == ["start"]
    again = SpoolRun(spool, run.key)  # another writer has a file of its own
    again.log_metrics({"a": 1.0})
    again.end("FINISHED")
    assert spool.has_ended(run.key)
