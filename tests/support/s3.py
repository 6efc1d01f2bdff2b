"""An S3 of a test's own: moto's server on a loopback port, and a bucket in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.services import absent, free_port, present, wait_for

BUCKET = "restock"


@dataclass(frozen=True)
class Bucket:
    """Where it is, and what a process needs in its environment to use it."""

    endpoint: str
    name: str = BUCKET

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": self.endpoint,
        }

    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def keys(self, prefix: str = "") -> list[str]:
        """Return what is in it; of a small bucket, up to a thousand."""
        found = self.client().list_objects_v2(Bucket=self.name, Prefix=prefix)
        return [entry["Key"] for entry in found.get("Contents", [])]


@contextmanager
def s3_bucket(folder: Path, *needed: str) -> Iterator[Bucket]:
    """Start a server with an empty bucket; stop it afterwards.

    Args:
        folder: Where its log goes.
        needed: Modules that the test needs beside moto and boto3.
    """
    for module in ("moto.server", "boto3", *needed):
        if not present(module):
            absent(f"no {module.split('.')[0]}: it comes with the dev dependencies")
    port = free_port()
    log = folder / "s3.log"
    with log.open("ab") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=out, stderr=out, cwd=folder,
        )  # fmt: skip
    bucket = Bucket(f"http://127.0.0.1:{port}")
    try:
        wait_for(f"{bucket.endpoint}/moto-api/", log)
        bucket.client().create_bucket(Bucket=bucket.name)
        yield bucket
    finally:
        server.kill()
        server.wait()
