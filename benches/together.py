"""What Baseload is measured beside: the same endpoint, the same latency, one process after the other, in one run."""

import threading

from alone import endpoint, median, plan
from endpoint import BINARY, READ, ROOT, WRITE, run, schedules

PEERS = ROOT / "target/peers"
PYTHON = PEERS / "boto3/bin/python"
SCRIPTS = ROOT / "benches/peers"


def good(floor, targets, mode="legacy", threads=8):
    return [PYTHON, SCRIPTS / "good.py", floor, targets, mode, threads]


def naive(floor, targets):
    return [PYTHON, SCRIPTS / "naive.py", floor, targets]


def apply(where):
    return [BINARY, "apply", "--schedules", where, "--timeout", "10m"]


def custodian(folder, floor):
    """Resizes every service of the account to a minimum, where it differs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yaml").write_text(
        f"policies:\n- name: floor\n  resource: aws.ecs-service\n  actions:\n  - type: resize\n    min-capacity: {floor}\n"
    )
    command = [PEERS / "c7n/bin/custodian", "run", "--region", "eu-west-1", "--cache-period", "0"]
    return [*command, "--output-dir", folder / "out", folder / "policy.yaml"]


def aws_cli(floor, targets):
    """The `aws` command, once a service."""
    command = f"{PEERS}/awscli/bin/aws application-autoscaling register-scalable-target --service-namespace ecs " \
        f"--scalable-dimension ecs:service:DesiredCount --min-capacity {floor}"
    return ["sh", "-c", f"for n in $(seq -f %05g 0 {targets - 1}); do {command} --resource-id service/shop/s$n; done"]


def race(folder, quick):
    """500 services, all of which change, and then the same with nothing to change; with TLS, as AWS has it, and without."""
    targets, few = 500, 10
    where = schedules(folder / "schedules", targets, floor=3)
    rows = []
    scenes = [(f"{what}, {'TLS' if tls else 'plain'}", before, tls)
              for tls in (True, False) for what, before in (("all 500 change", 1), ("nothing changes", 3))]
    for what, before, tls in scenes:
        entrants = [
            ("Baseload, `apply`", apply(where), targets),
            ("boto3, 24 threads, batches, only what differs", good(3, targets, threads=24), targets),
            ("Cloud Custodian 0.9.53, `resize`", custodian(folder / "c7n", 3), targets),
            ("boto3, the naive loop", naive(3, targets), targets),
            ("`aws` in a loop", aws_cli(3, few), few),
        ]
        measured = {name: [] for name, _, _ in entrants}
        for turn in range(1 if quick else 3):
            for name, command, count in entrants:
                if turn > 0 and name.startswith("`aws`"):
                    continue
                with endpoint(targets, floor=before, tls=tls) as aws:
                    ended = run(command, aws)
                    landed = aws.at_floor(3)
                measured[name].append((ended, landed, count))
        for name, ended in measured.items():
            share = targets / ended[0][2]
            rows.append({
                "what": what,
                "who": name,
                "calls": round(len(ended[0][0].calls) * share),
                "landed": ended[0][1] if share == 1 else None,
                "wall": median(e.wall for e, _, _ in ended) * share,
                "cpu": median(e.cpu for e, _, _ in ended) * share,
                "measured": ended[0][2],
            })
    return rows


def burst(folder, quick):
    """A burst against a real bucket of 50 with 5 a second: Baseload beside what the SDK's retries make of it."""
    rows = []
    for targets in (100,) if quick else (100, 300):
        where = schedules(folder / str(targets), targets, floor=3)
        entrants = {
            "Baseload, `apply`": apply(where),
            "boto3, legacy retries (its default)": good(3, targets, "legacy"),
            "boto3, standard retries": good(3, targets, "standard"),
            "boto3, adaptive retries": good(3, targets, "adaptive"),
            "boto3, the naive loop": naive(3, targets),
        }
        ended = {}

        def enter(name, command):
            with endpoint(targets, floor=1, bucket="50/5") as aws:
                ended[name] = (run(command, aws, patience=400), aws.at_floor(3))

        # Each has a bucket of its own, and all of them wait most of the time: side by side in time, too.
        threads = [threading.Thread(target=enter, args=entrant) for entrant in entrants.items()]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        for name in entrants:
            process, landed = ended[name]
            calls = process.calls
            admitted = sum(not call.code for call in calls if call.operation in (READ, WRITE))
            first = min(call.arrived for call in calls)
            accepted = sorted(call.answered - first for call in calls if call.operation == WRITE and not call.code)
            rows.append({
                "targets": targets,
                "who": name,
                "landed": landed,
                "last": accepted[-1],
                "bound": max(0, admitted - 50) / 5 + 0.02,
                "bound_all": max(0, targets - 50) / 5 + 0.02,
                "throttles": sum(call.code == "ThrottlingException" for call in calls),
                "cpu": process.cpu,
                "curve": [round(at, 2) for at in accepted],
            })
    return rows


TABLES = {"race": race, "burst": burst}
__all__ = ["TABLES", "good", "plan"]
