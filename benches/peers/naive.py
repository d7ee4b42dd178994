"""The loop that everybody writes first: one call for each service, whatever it has already. Arguments: floor, services."""

import sys

import boto3

floor, count = int(sys.argv[1]), int(sys.argv[2])
scaling = boto3.client("application-autoscaling")
for n in range(count):
    scaling.register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/shop/s{n:05}",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=floor,
    )
