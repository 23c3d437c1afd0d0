import boto3
import json

body = boto3.client("s3").get_object(Bucket="bench", Key="state")["Body"]
print(json.load(body)["outputs"]["network"]["value"]["vpc_id"])
