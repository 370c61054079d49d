"""python bench/load/peer.py PARTS duckdb|postgres TARGET: loads the parts with dlt, merging by key, and prints what it took as JSON."""

import glob, gzip, json, resource, sys, tempfile, time
import dlt
from dlt.common.json import json as fast

parts, kind, target = sys.argv[1:4]


@dlt.resource(name="items", primary_key="id", write_disposition="merge", max_table_nesting=0)
def items():
    for name in sorted(glob.glob(parts + "/*.gz")):
        with gzip.open(name, "rb") as lines:
            yield [fast.loadb(line) for line in lines]


started = time.time()
if kind == "duckdb":
    destination = dlt.destinations.duckdb(target)
else:
    host, database = target.split(" ")
    # libpq takes the folder of a socket as host only among the parameters of a URL.
    destination = dlt.destinations.postgres(f"postgresql://headgate:-@localhost:5432/{database}?host={host}")
with tempfile.TemporaryDirectory() as folder:
    pipeline = dlt.pipeline("bench", destination=destination, dataset_name="bench", pipelines_dir=folder)
    pipeline.run(items(), schema=dlt.Schema("bench"))
    with pipeline.sql_client() as client:
        rows = client.execute_sql("SELECT count(*) FROM items")[0][0]
seconds = time.time() - started
own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
print(json.dumps(dict(rows=rows, seconds=seconds, cpuSeconds=cpu, megabytes=own.ru_maxrss / 1024)))
