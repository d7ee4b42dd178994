"""Nanoseconds that other schedulers take to say what holds now, as JSON: medians of seven rounds."""

import json
import statistics
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter

ZONE = ZoneInfo("Europe/Brussels")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=ZONE)
TIMES = 300


def by_croniter():
    """A window is open if it began later than it ended."""
    return croniter("30 0 * * *", NOW).get_prev(datetime) > croniter("0 9 * * *", NOW).get_prev(datetime)


OPENS = CronTrigger.from_crontab("30 0 * * *", timezone=ZONE)
CLOSES = CronTrigger.from_crontab("0 9 * * *", timezone=ZONE)


def by_apscheduler():
    """A window is open if it ends before it begins."""
    return CLOSES.get_next_fire_time(None, NOW) < OPENS.get_next_fire_time(None, NOW)


def nanoseconds(evaluate):
    rounds = []
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(TIMES):
            evaluate()
        rounds.append((time.perf_counter() - began) / TIMES * 1e9)
    return statistics.median(rounds)


print(json.dumps({"croniter": nanoseconds(by_croniter), "APScheduler": nanoseconds(by_apscheduler)}))
