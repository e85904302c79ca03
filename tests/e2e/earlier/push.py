"""Puts an image under the tag `latest` into a repository of the account that `AWS_ENDPOINT_URL` names."""

import json
import sys

import boto3

CONFIG = {
    "mediaType": "application/vnd.docker.container.image.v1+json",
    "size": 7,
    "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
}
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": CONFIG,
    "layers": [],
}

boto3.client("ecr", region_name="eu-south-2").put_image(
    repositoryName=sys.argv[1], imageTag="latest", imageManifest=json.dumps(MANIFEST)
)
