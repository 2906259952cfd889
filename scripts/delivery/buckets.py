#!/usr/bin/env python3
"""The buckets that scripts/delivery-peers.sh judges, by boto3.

Usage: buckets.py ENDPOINT                        makes them: plain, versioned, locked
       buckets.py ENDPOINT remains BUCKET KEY     leaves below KEY what years leave: a version, a delete marker, unfinished uploads
       buckets.py ENDPOINT lock BUCKET KEY        puts an object that nobody may delete for an hour
       buckets.py ENDPOINT left BUCKET PREFIX     prints how many versions, delete markers and unfinished uploads are there
"""
import datetime, sys, time

import boto3

client = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1",
                      aws_access_key_id="aula-key", aws_secret_access_key="aula-secret")


def make():
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


def remains(bucket, key):
    client.put_object(Bucket=bucket, Key=key, Body=b"an older version")
    client.put_object(Bucket=bucket, Key=key, Body=b"a newer version")
    client.delete_object(Bucket=bucket, Key=key)
    for name in (key, key + ".of-another"):
        upload = client.create_multipart_upload(Bucket=bucket, Key=name)["UploadId"]
        client.upload_part(Bucket=bucket, Key=name, UploadId=upload, PartNumber=1, Body=b"a part")


def lock(bucket, key):
    client.put_object(Bucket=bucket, Key=key, Body=b"kept", ObjectLockMode="COMPLIANCE",
                      ObjectLockRetainUntilDate=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1))


def left(bucket, prefix):
    count = 0
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        count += len(page.get("Versions", [])) + len(page.get("DeleteMarkers", []))
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        count += len(page.get("Uploads", []))
    print(count)


match sys.argv[2:]:
    case []:
        make()
    case ["remains", bucket, key]:
        remains(bucket, key)
    case ["lock", bucket, key]:
        lock(bucket, key)
    case ["left", bucket, prefix]:
        left(bucket, prefix)
    case _:
        sys.exit(__doc__)
