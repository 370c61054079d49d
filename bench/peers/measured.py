"""python measured.py result.json command...: runs a command, and writes what it and its descendants took.

`seconds` of wall time, `cpu` seconds of user and system together, `memory` of all its processes at their fullest in MB (the sum of
their proportional set sizes, seen four times a second), and its exit `code`. Reads /proc: Linux only.
"""

import ctypes
import glob
import json
import os
import resource
import subprocess
import sys
import threading
import time

EVERY_SECONDS = 0.25
GROUP = os.getpgrp()


def held():
    """The kilobytes that the processes of this group hold, without this one."""
    total = 0
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(folder + "/stat") as file:
                # The name in parentheses may hold spaces.
                fields = file.read().rsplit(")", 1)[1].split()
            if int(fields[2]) != GROUP or folder == f"/proc/{os.getpid()}":
                continue
            with open(folder + "/smaps_rollup") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (OSError, IndexError):
            # It has ended.
            continue
    return total


peak = 0
ended = threading.Event()


def watch():
    global peak
    while not ended.wait(EVERY_SECONDS):
        peak = max(peak, held())


def reap_orphans():
    """Counts descendants whose parent ended before it waited for them. Those that live on are not waited for."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


# PR_SET_CHILD_SUBREAPER of prctl(2): orphans come here.
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
watcher = threading.Thread(target=watch)
began = time.monotonic()
child = subprocess.Popen(sys.argv[2:])
watcher.start()
code = child.wait()
seconds = time.monotonic() - began
ended.set()
watcher.join()
reap_orphans()
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    # A run that is shorter than the watch has its largest process.
    memory = max(peak, used.ru_maxrss) / 1024
    json.dump({"code": code, "seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "memory": memory}, file)
sys.exit(code if code >= 0 else 128 - code)
