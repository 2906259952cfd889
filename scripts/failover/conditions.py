#!/usr/bin/env python3
"""Whether a service that speaks S3 keeps to If-None-Match and If-Match on PutObject, as a lease's record needs: one put after another, and many
at once over the same object. Prints a line of JSON: `kept` is true where no condition was passed over.

Usage: conditions.py ENDPOINT BUCKET [ROUNDS]     (pip: boto3; key aula-key, secret aula-secret; the bucket is made where it is missing)
"""
import concurrent.futures, json, sys, time, uuid

import boto3, botocore.config, botocore.exceptions

endpoint, bucket, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 100
AT_ONCE = 8
client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="aula-key", aws_secret_access_key="aula-secret",
                      config=botocore.config.Config(max_pool_connections=AT_ONCE, retries={"total_max_attempts": 1},
                                                    request_checksum_calculation="when_required"))
for _ in range(240):
    try:
        client.list_buckets()
        break
    except Exception:
        time.sleep(0.25)
try:
    client.create_bucket(Bucket=bucket)
except client.exceptions.ClientError as error:
    if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
        raise
key = f"conditions-{uuid.uuid4()}"


def put(body, name=key, **only):
    """The new tag, or the status that refused it."""
    try:
        return client.put_object(Bucket=bucket, Key=name, Body=body, **only)["ETag"]
    except botocore.exceptions.ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


told = {"endpoint": endpoint, "tried_at_once": AT_ONCE, "rounds": rounds}
first = put(b"1", IfNoneMatch="*")
told["free"] = isinstance(first, str)
told["taken"] = put(b"2", IfNoneMatch="*")
told["another"] = put(b"3", IfMatch='"00000000000000000000000000000000"')
told["none_there"] = put(b"4", name=key + "-none", IfMatch='"00000000000000000000000000000000"')
second = put(b"5", IfMatch=first) if told["free"] else None
told["own"] = isinstance(second, str)
told["older"] = put(b"6", IfMatch=first) if told["own"] else None
one_by_one = told["free"] and told["own"] and all(told[name] in (404, 409, 412) for name in ("taken", "another", "none_there", "older"))
# Of many who saw the same object one replaces it, and what stands there then is that one's.
two_won, nobody_won, not_his = 0, 0, 0
with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as crowd:
    for number in range(rounds if one_by_one else 0):
        name, only = f"{key}-new-{number}", {"IfNoneMatch": "*"}
        if number % 2:
            name, only = key, {"IfMatch": client.head_object(Bucket=bucket, Key=key)["ETag"]}
        bodies = [f"{number} of {who}".encode() for who in range(AT_ONCE)]
        answers = list(crowd.map(lambda body: put(body, name=name, **only), bodies))
        won = [body for body, answer in zip(bodies, answers) if isinstance(answer, str)]
        two_won += len(won) > 1
        nobody_won += not won
        stands = client.get_object(Bucket=bucket, Key=name)["Body"].read()
        not_his += len(won) == 1 and stands != won[0]
told |= {"one_by_one": one_by_one, "two_won": two_won, "nobody_won": nobody_won, "another_stands": not_his}
told["kept"] = one_by_one and two_won == 0 and not_his == 0
print(json.dumps(told))
sys.exit(0 if told["kept"] else 1)
