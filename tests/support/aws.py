"""AWS's command line, as far as the documentation uses it: `aws SERVICE OPERATION --option value …`, over boto3.

The real one pins another boto3 than the tests do. Options are checked by the same models as there.
"""

import json
import os
import sys

import boto3

service, operation, *rest = sys.argv[1:]
arguments = {}
for option, value in zip(rest[::2], rest[1::2]):
    name = "".join(part.capitalize() for part in option.removeprefix("--").split("-"))
    arguments[name] = int(value) if value.isdigit() else value
answer = getattr(boto3.client(service, region_name=os.environ["AWS_REGION"]), operation.replace("-", "_"))(**arguments)
del answer["ResponseMetadata"]
if answer:
    print(json.dumps(answer, indent=4, default=str))
