"""What a team does with DVC: results travel through S3, experiments are compared and handed on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.checkout import commit, make_checkout, ran, sh
from support.s3 import Bucket, s3_bucket

# The stages that train nothing are enough: this is about DVC.
STAGES = ("composed", "fetch", "prepare", "featurize")
SECRET = "a-secret-of-tests"
CHANGE = "data.min_active_periods=60"  # one of the five series sold nothing in one of 60 weeks


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with s3_bucket(tmp_path_factory.mktemp("s3"), "dvc_s3") as made:
        yield made


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory, bucket: Bucket) -> Path:
    """My checkout, as docs/team.md sets it up: committed, pushed to Git and to S3."""
    folder = make_checkout(tmp_path_factory.mktemp("mine"), stages=STAGES)
    sh("dvc", "remote", "add", "-d", "team", f"s3://{bucket.name}/dvc", cwd=folder)
    sh("dvc", "remote", "modify", "team", "endpointurl", bucket.endpoint, cwd=folder)
    for name, value in (("access_key_id", "dvc"), ("secret_access_key", SECRET)):
        sh("dvc", "remote", "modify", "--local", "team", name, value, cwd=folder)
    sh("dvc", "repro", cwd=folder)
    commit(folder, "first")
    origin = tmp_path_factory.mktemp("origin")
    sh("git", "init", "-q", "--bare", cwd=origin)
    sh("git", "remote", "add", "origin", str(origin), cwd=folder)
    sh("git", "push", "-q", "-u", "origin", "HEAD:main", cwd=folder)
    sh("dvc", "push", cwd=folder)
    return folder


@pytest.fixture
def theirs(tmp_path: Path, mine: Path) -> Path:
    """A colleague's clone, with nothing in its cache."""
    origin = sh("git", "remote", "get-url", "origin", cwd=mine).strip()
    sh("git", "clone", "-q", "--branch", "main", origin, "theirs", cwd=tmp_path)
    return tmp_path / "theirs"


@pytest.fixture(scope="class")
def experiment(mine: Path) -> Iterator[str]:
    """An experiment in my checkout; its changes are in the work tree."""
    sh("dvc", "exp", "run", "--name", "stricter", "-S", CHANGE, cwd=mine)
    yield "stricter"
    sh("git", "checkout", "-q", ".", cwd=mine)
    sh("dvc", "checkout", "-q", cwd=mine)
    sh("dvc", "exp", "remove", "stricter", cwd=mine)


def outputs(folder: Path) -> dict[str, bytes]:
    kept = [*(folder / "outputs/panel").rglob("*"), *(folder / "outputs/features").rglob("*")]
    return {str(p.relative_to(folder)): p.read_bytes() for p in kept if p.is_file()}


class TestRemote:
    def test_what_one_pushed_another_pulls_and_runs_nothing(
        self, mine: Path, theirs: Path, bucket: Bucket
    ) -> None:
        assert bucket.keys("dvc/files/md5/")
        assert not (theirs / "outputs").exists()
        sh("dvc", "pull", cwd=theirs, **bucket.environment)
        assert outputs(theirs) == outputs(mine) != {}
        assert ran(sh("dvc", "repro", cwd=theirs)) == []

    def test_no_credential_is_in_git(self, mine: Path) -> None:
        assert SECRET in (mine / ".dvc/config.local").read_text()
        sh("git", "grep", "-q", SECRET, "HEAD", cwd=mine, ok=False)

    def test_a_lost_cache_comes_back(self, mine: Path) -> None:
        before = outputs(mine)
        for lost in (".dvc/cache", "outputs/panel", "outputs/features"):
            shutil.rmtree(mine / lost)
        sh("dvc", "pull", cwd=mine)
        assert outputs(mine) == before

    def test_a_corrupt_object_stops_the_stage_by_name_until_it_is_pulled_again(
        self, mine: Path
    ) -> None:
        table = mine / "outputs/panel/panel.parquet"
        content = table.read_bytes()
        md5 = hashlib.md5(content).hexdigest()
        cached = mine / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
        cached.chmod(0o644)
        cached.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        cached.chmod(0o444)  # DVC looks no further at what nobody could have changed
        shutil.rmtree(table.parent)
        sh("dvc", "checkout", cwd=mine)
        assert table.read_bytes() != content
        stage = ("restock", "featurize", "--params", "params.yaml")
        said = sh(*stage, cwd=mine, ok=False)
        assert "outputs/panel/panel.parquet: md5" in said
        assert f"the pipeline wrote md5 {md5}" in said
        cached.unlink()
        shutil.rmtree(table.parent)
        sh("dvc", "pull", "outputs/panel", cwd=mine)
        assert table.read_bytes() == content
        sh(*stage, cwd=mine)

    def test_a_torn_table_of_locks_is_put_aside(self, mine: Path) -> None:
        mend = Path(__file__).parents[2] / ".ci/mend-dvc"
        table = mine / ".dvc/tmp/rwlock"
        whole = '{"outputs": {"read": []}}'
        table.write_text(whole[:14])
        sh("dvc", "repro", cwd=mine, ok=False)
        assert "rwlock.corrupt" in sh("bash", str(mend), cwd=mine)
        assert table.with_name("rwlock.corrupt").read_text() == whole[:14]
        assert ran(sh("dvc", "repro", cwd=mine)) == []
        table.write_text("{}")
        assert sh("bash", str(mend), cwd=mine) == ""

    def test_without_credentials_it_fails_and_says_so(self, theirs: Path, tmp_path: Path) -> None:
        nobody = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
        said = sh("dvc", "pull", cwd=theirs, ok=False, **nobody)
        assert "credentials" in said


class TestExperiments:
    def test_exp_show_lists_it_with_what_it_changed(self, mine: Path, experiment: str) -> None:
        table = sh("dvc", "exp", "show", "--only-changed", "--csv", cwd=mine)
        assert experiment in table
        assert "data.min_active_periods" in table.splitlines()[0]

    def test_params_diff(self, mine: Path, experiment: str) -> None:
        said = json.loads(sh("dvc", "params", "diff", "--json", cwd=mine))
        assert said == {
            "params.yaml": {"data.min_active_periods": {"old": 0, "new": 60, "diff": 60}}
        }

    def test_metrics_diff(self, mine: Path, experiment: str) -> None:
        said = sh("dvc", "metrics", "diff", "--md", "HEAD", experiment, cwd=mine)
        (row,) = (line for line in said.splitlines() if "| series |" in line.replace("  ", ""))
        assert [cell.strip() for cell in row.split("|")[3:6]] == ["5", "4", "-1"]

    def test_a_colleague_gets_it_with_its_data_and_runs_nothing(
        self, mine: Path, theirs: Path, experiment: str, bucket: Bucket
    ) -> None:
        sh("dvc", "exp", "push", "origin", experiment, cwd=mine)
        assert experiment in sh("dvc", "exp", "list", "--all-commits", "origin", cwd=theirs)
        sh("dvc", "exp", "pull", "origin", experiment, cwd=theirs, **bucket.environment)
        sh("dvc", "exp", "apply", experiment, cwd=theirs)
        assert outputs(theirs) == outputs(mine) != {}
        assert ran(sh("dvc", "repro", cwd=theirs)) == []
