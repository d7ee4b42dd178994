"""Runs the shell steps of a GitHub workflow one after another, as GitHub runs bash, and ends with the first that fails.

usage: run_workflow.py WORKFLOW, in the folder that is checked out
"""

import subprocess
import sys

import yaml

with open(sys.argv[1]) as file:
    jobs = yaml.safe_load(file)["jobs"].values()
for step in (step for job in jobs for step in job["steps"] if "run" in step):
    code = subprocess.call(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]])
    if code != 0:
        sys.exit(code)
