"""Make the buckets that are named and not there yet: `python make_buckets.py NAME ...`."""

import sys

import boto3

s3 = boto3.client("s3")
there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
for name in sys.argv[1:]:
    if name not in there:
        s3.create_bucket(Bucket=name)
