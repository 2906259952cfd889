#!/usr/bin/env python3
"""Makes the buckets that scripts/delivery-peers.sh judges: plain, versioned, locked. Usage: buckets.py ENDPOINT"""
import sys, time

import boto3

client = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1",
                      aws_access_key_id="aula-key", aws_secret_access_key="aula-secret")
for _ in range(120):
    try:
        client.list_buckets()
        break
    except Exception:
        time.sleep(0.5)
client.create_bucket(Bucket="plain")
client.create_bucket(Bucket="versioned")
client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
