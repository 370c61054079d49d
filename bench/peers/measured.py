"""python measured.py result.json command...: runs a command, and writes what it and its descendants took.

`seconds` of wall time, `cpu` seconds of user and system together, `memory` of the largest process in MB, and its exit `code`.
"""

import json
import resource
import subprocess
import sys
import time

began = time.monotonic()
code = subprocess.call(sys.argv[2:])
seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump(
        {"code": code, "seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024}, file
    )
sys.exit(code if code >= 0 else 128 - code)
