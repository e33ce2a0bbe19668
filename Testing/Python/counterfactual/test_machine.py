"""Limits and counts of the system, from files as kernels and containers write them."""

import os

import pytest

from CTCounterfactualLib.counterfactual.machine import cores, memory_kills, memory_limit

GB = 10**9
MEMINFO = "MemTotal:        8000000 kB\nMemFree: 1 kB\n"
NO_LIMIT_V1 = "9223372036854771712\n"


@pytest.fixture
def root(tmp_path):
    """Return a function that writes files below a root; returns the root."""

    def make(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


GROUP = "sys/fs/cgroup/"


@pytest.mark.parametrize(
    ("files", "kills", "limit"),
    [
        ({}, None, None),
        ({"proc/vmstat": "nr_x 5\noom_kill 3\n", "proc/meminfo": MEMINFO}, 3, 8_192_000_000),
        (  # version 2, a group of its own
            {
                "proc/self/cgroup": "0::/job/a\n",
                "proc/vmstat": "oom_kill 3\n",
                "proc/meminfo": MEMINFO,
                GROUP + "memory.events": "oom_kill 9\n",
                GROUP + "job/a/memory.events": "low 0\noom 4\noom_kill 2\noom_group_kill 0\n",
                GROUP + "job/a/memory.max": f"{GB}\n",
            },
            2,
            GB,
        ),
        (  # version 2 in a container, which sees its own group as the top
            {
                "proc/self/cgroup": "0::/docker/x\n",
                GROUP + "memory.events": "oom_kill 1\n",
                GROUP + "memory.max": "max\n",
                "proc/meminfo": MEMINFO,
            },
            1,
            8_192_000_000,
        ),
        (  # version 1
            {
                "proc/self/cgroup": "4:memory:/job\n1:cpu,cpuacct:/\n0::/\n",
                GROUP + "memory/job/memory.oom_control": "oom_kill_disable 0\noom_kill 7\n",
                GROUP + "memory/job/memory.limit_in_bytes": f"{2 * GB}\n",
                "proc/meminfo": MEMINFO,
                "proc/vmstat": "oom_kill 70\n",
            },
            7,
            2 * GB,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/\n",
                "proc/meminfo": MEMINFO,
                GROUP + "memory/memory.limit_in_bytes": NO_LIMIT_V1,
            },
            None,
            8_192_000_000,
        ),
    ],
)
def test_kills_and_limits_of_memory(root, files, kills, limit):
    made = root(files)
    assert memory_kills(made) == kills
    assert memory_limit(made) == limit


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({GROUP + "cpu.max": "max 100000\n"}, None),
        ({GROUP + "cpu.max": "100000 100000\n"}, 1),
        ({GROUP + "cpu.max": "20000 100000\n"}, 1),  # a fifth of a core is still one thread
        (
            {
                GROUP + "cpu/cpu.cfs_quota_us": "100000\n",
                GROUP + "cpu/cpu.cfs_period_us": "100000\n",
            },
            1,
        ),
        (
            {GROUP + "cpu/cpu.cfs_quota_us": "-1\n", GROUP + "cpu/cpu.cfs_period_us": "100000\n"},
            None,
        ),
        ({GROUP + "cpu.max": "100000 0\n"}, None),
        ({GROUP + "cpu.max": "lots\n"}, None),
    ],
)
def test_cores_by_quota(root, files, quota):
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert cores(root(files)) == (allowed if quota is None else min(allowed, quota))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="affinity is Linux's")
def test_cores_by_affinity(tmp_path):
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)
