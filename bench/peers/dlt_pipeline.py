"""A dlt pipeline from its rest_api source to files: python dlt_pipeline.py job.json [--tuned].

Tuned: a compiled selector, resources side by side, ten extracting threads and two normalizing processes.
"""

import json
import os
import sys

TUNED = "--tuned" in sys.argv

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
if TUNED:
    os.environ["EXTRACT__WORKERS"] = "10"
    os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = "40"
    os.environ["NORMALIZE__WORKERS"] = "2"
    os.environ["NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS"] = "100000"
    os.environ["EXTRACT__DATA_WRITER__FILE_MAX_ITEMS"] = "100000"

import dlt
from dlt.common.jsonpath import compile_path
from dlt.sources.rest_api import rest_api_source

from dlt_paging import auth_of, paginator_of


def resource(job, name, path, **endpoint):
    selector = compile_path("rows") if TUNED else "rows"
    return {
        "name": name,
        "primary_key": "id",
        "parallelized": TUNED,
        "endpoint": {"path": path, "data_selector": selector, "paginator": paginator_of(job), **endpoint},
    }


def resources(job):
    sized = {"params": {"size": job["size"]}}
    if job["paging"] != "parents":
        return [resource(job, stream, stream, **sized) for stream in job["streams"]]
    children = "parents/{resources.parents.id}/children"
    return [
        resource(job, "parents", "parents", **sized),
        {**resource(job, "children", children), "endpoint": {
            "path": children, "data_selector": compile_path("rows") if TUNED else "rows", "paginator": "single_page",
        }},
    ]


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    client = {"base_url": job["url"]}
    if (auth := auth_of(job)) is not None:
        client["auth"] = auth
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=job["out"] + "/pipelines",
        destination=dlt.destinations.filesystem(bucket_url=job["out"] + "/loaded"),
        dataset_name="bench",
    )
    pipeline.run(rest_api_source({"client": client, "resources": resources(job)}), loader_file_format="jsonl")


# Normalizing processes import this file again.
if __name__ == "__main__":
    main()
