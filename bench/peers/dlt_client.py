"""dlt's RESTClient alone, with a compiled selector: python dlt_client.py job.json. It writes gzipped lines, as Headgate does."""

import gzip
import json
import sys

from dlt.common.jsonpath import compile_path
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import SinglePagePaginator

from dlt_paging import auth_of, paginator_of

with open(sys.argv[1]) as file:
    job = json.load(file)
client = RESTClient(base_url=job["url"], data_selector=compile_path("rows"), auth=auth_of(job))


def pages():
    params = {"size": job["size"]}
    if job["paging"] != "parents":
        for stream in job["streams"]:
            yield from client.paginate(stream, params=params, paginator=paginator_of(job))
        return
    for parents in client.paginate("parents", params=params, paginator=paginator_of(job)):
        for parent in parents:
            yield from client.paginate(f"parents/{parent['id']}/children", paginator=SinglePagePaginator())


with gzip.open(job["out"] + "/rows.ndjson.gz", "wt", compresslevel=6) as out:
    for page in pages():
        for row in page:
            out.write(json.dumps(row) + "\n")
