"""Reads Spark's log of events: what the tasks of each step used, and what Spark kept between stages.

A step is what `jobs.spark_steps` names. The log must have `spark.eventLog.logBlockUpdates.enabled`.
https://spark.apache.org/docs/latest/monitoring.html
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]


@dataclass
class Used:
    """What the tasks of a step used together. `processor_s` is the time of their threads: without collecting garbage and
    without compiling. `rows` and `read_bytes` come from tables, `written_bytes` go to tables. `shuffled_bytes` are written by
    one stage and read by a later one, compressed. `spilled_bytes` went to a disk. `task_bytes` is the most that one task held
    of its own memory, `task_s` the processor time of the longest task."""

    tasks: int = 0
    processor_s: float = 0.0
    rows: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    shuffled_bytes: int = 0
    spilled_bytes: int = 0
    task_bytes: int = 0
    task_s: float = 0.0

    def add(self, task: Event) -> None:
        """Adds the metrics of a task that has ended."""
        seconds = task["Executor CPU Time"] / 1e9
        self.tasks += 1
        self.processor_s += seconds
        self.rows += task["Input Metrics"]["Records Read"]
        self.read_bytes += task["Input Metrics"]["Bytes Read"]
        self.written_bytes += task["Output Metrics"]["Bytes Written"]
        self.shuffled_bytes += task["Shuffle Write Metrics"]["Shuffle Bytes Written"]
        self.spilled_bytes += task["Disk Bytes Spilled"]
        self.task_bytes = max(self.task_bytes, task["Peak Execution Memory"])
        self.task_s = max(self.task_s, seconds)


@dataclass(frozen=True)
class Log:
    """What was used, by step, and the most bytes of persisted frames at a time, in memory and on disks."""

    steps: dict[str, Used]
    kept_bytes: int


@dataclass
class Stage:
    """The tasks of a stage that have ended: how long each ran, in seconds. `shuffle_read`: bytes that all have read of earlier
    stages."""

    step: str
    task_s: list[float] = field(default_factory=list)
    shuffle_read: int = 0


def stages(lines: Iterable[str]) -> list[Stage]:
    """The stages of a log, in their order."""
    found: dict[int, Stage] = {}
    for event in map(json.loads, lines):
        if event["Event"] == "SparkListenerJobStart":
            step = event["Properties"].get("spark.job.description", "")
            found |= {number: Stage(step) for number in event["Stage IDs"] if number not in found}
        elif event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
            stage, task = found[event["Stage ID"]], event["Task Metrics"]
            read = task["Shuffle Read Metrics"]
            stage.task_s.append(task["Executor Run Time"] / 1e3)
            stage.shuffle_read += read["Remote Bytes Read"] + read["Local Bytes Read"]
    return [stage for _, stage in sorted(found.items()) if stage.task_s]


def read(lines: Iterable[str], group: str) -> Log:
    """What the jobs of this group (`spark.jobGroup.id`) used. No jobs of another group run among them. Frames that are still
    kept from earlier groups count too."""
    step_of: dict[int, str] = {}
    steps: dict[str, Used] = defaultdict(Used)
    blocks: dict[str, int] = {}
    kept = most = 0
    is_in_group = False
    for event in map(json.loads, lines):
        match event["Event"]:
            case "SparkListenerJobStart":
                properties = event["Properties"]
                is_in_group = properties.get("spark.jobGroup.id") == group
                if is_in_group:
                    step = properties.get("spark.job.description", "")
                    step_of |= dict.fromkeys(event["Stage IDs"], step)
            case "SparkListenerTaskEnd" if event["Stage ID"] in step_of and event.get("Task Metrics"):
                steps[step_of[event["Stage ID"]]].add(event["Task Metrics"])
            case "SparkListenerBlockUpdated":
                block = event["Block Updated Info"]
                if block["Block ID"].startswith("rdd_"):
                    held = block["Memory Size"] + block["Disk Size"]
                    kept += held - blocks.get(block["Block ID"], 0)
                    blocks[block["Block ID"]] = held
                    most = max(most, kept * is_in_group)
            case "SparkListenerUnpersistRDD":
                gone = [name for name in blocks if name.startswith(f"rdd_{event['RDD ID']}_")]
                kept -= sum(blocks.pop(name) for name in gone)
    return Log(dict(steps), most)
