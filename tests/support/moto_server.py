"""Starts moto on loopback, prints its port, and ends when standard input does.

A test that dies takes its server along: the pipe to its standard input closes with it.
"""

import json
import logging
import os
import sys
import threading

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

moto_describes = ApplicationAutoScalingResponse.describe_scalable_targets


def describe_scalable_targets(self):
    """Pages as AWS does; moto's token of the second page points at the second page again."""
    size = self._get_int_param("MaxResults") or 50
    start = int(self._get_param("NextToken") or 0)
    asked = self._get_param

    def whole(name, *default):
        return None if name == "NextToken" else asked(name, *default)

    self._get_param, self._get_int_param = whole, lambda name: sys.maxsize
    targets = json.loads(moto_describes(self))["ScalableTargets"]
    end = start + size
    following = str(end) if end < len(targets) else None
    return json.dumps({"ScalableTargets": targets[start:end], "NextToken": following})


ApplicationAutoScalingResponse.describe_scalable_targets = describe_scalable_targets
os.environ["MOTO_ALLOW_NONEXISTENT_REGION"] = "true"  # a region for each test
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
