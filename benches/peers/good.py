"""What a careful hand writes with boto3: reads by fifties and writes only what differs, from a pool of threads.

Arguments: floor, services, the mode of the SDK's retries (legacy is boto3's default), threads.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

floor, count, mode, threads = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
scaling = boto3.client("application-autoscaling", config=Config(max_pool_connections=threads, retries={"mode": mode}))
ids = [f"service/shop/s{n:05}" for n in range(count)]


def look(batch):
    answer = scaling.describe_scalable_targets(
        ServiceNamespace="ecs", ScalableDimension="ecs:service:DesiredCount", ResourceIds=batch
    )
    return answer["ScalableTargets"]


def write(resource):
    try:
        scaling.register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId=resource,
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=floor,
        )
        return True
    except ClientError:
        return False  # the SDK has given up


with ThreadPoolExecutor(threads) as pool:
    batches = [ids[at : at + 50] for at in range(0, count, 50)]
    seen = [target for batch in pool.map(look, batches) for target in batch]
    wrong = [target["ResourceId"] for target in seen if target["MinCapacity"] != floor]
    done = list(pool.map(write, wrong))
sys.exit(0 if all(done) else 1)
