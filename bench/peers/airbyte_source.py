"""A low-code source by Airbyte's CDK, as its builder writes one: python airbyte_source.py job.json."""

import json
import sys

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

with open(sys.argv[1]) as file:
    JOB = json.load(file)
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "email": {"type": "string"},
        "status": {"type": "string"},
        "total": {"type": "number"},
        "updated_at": {"type": "string", "format": "date-time"},
    },
}
STRATEGIES = {
    "pages": (
        {"type": "PageIncrement", "page_size": JOB["size"], "start_from_page": 1, "inject_on_first_request": True},
        {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "page"},
    ),
    "offsets": (
        {"type": "OffsetIncrement", "page_size": JOB["size"], "inject_on_first_request": True},
        {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "offset"},
    ),
    "cursor": (
        {"type": "CursorPagination", "page_size": JOB["size"], "cursor_value": "{{ response.get('next') }}",
         "stop_condition": "{{ not response.get('next') }}"},
        {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "cursor"},
    ),
    "links": (
        {"type": "CursorPagination", "page_size": JOB["size"],
         "cursor_value": "{{ headers.get('link', {}).get('next', {}).get('url') }}",
         "stop_condition": "{{ not headers.get('link', {}).get('next') }}"},
        {"type": "RequestPath"},
    ),
}


def paginator(paging):
    if paging == "one":
        return {"type": "NoPagination"}
    strategy, option = STRATEGIES[paging]
    size = {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "size"}
    return {
        "type": "DefaultPaginator", "pagination_strategy": strategy, "page_token_option": option, "page_size_option": size,
    }


def authenticator():
    if JOB["auth"] == "none":
        return {"type": "NoAuth"}
    return {
        "type": "OAuthAuthenticator", "token_refresh_endpoint": JOB["url"] + "/token", "client_id": "bench",
        "client_secret": "bench-secret", "grant_type": "client_credentials",
    }


def stream(name, path, paging, router=None):
    retriever = {
        "type": "SimpleRetriever",
        "requester": {
            "type": "HttpRequester", "url_base": JOB["url"], "path": path, "http_method": "GET",
            "authenticator": authenticator(),
            # Without it a 429 ignores Retry-After.
            "error_handler": {
                "type": "DefaultErrorHandler", "backoff_strategies": [{"type": "WaitTimeFromHeader", "header": "Retry-After"}],
            },
        },
        "record_selector": {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": ["rows"]}},
        "paginator": paginator(paging),
    }
    if router is not None:
        retriever["partition_router"] = router
    return {
        "type": "DeclarativeStream", "name": name, "primary_key": ["id"], "retriever": retriever,
        "schema_loader": {"type": "InlineSchemaLoader", "schema": SCHEMA},
    }


def streams():
    if JOB["paging"] != "parents":
        return [stream(name, name, JOB["paging"]) for name in JOB["streams"]]
    parents = stream("parents", "parents", "pages")
    router = {
        "type": "SubstreamPartitionRouter",
        "parent_stream_configs": [
            {"type": "ParentStreamConfig", "stream": parents, "parent_key": "id", "partition_field": "parent"}
        ],
    }
    return [stream("children", "parents/{{ stream_partition.parent }}/children", "one", router)]


def write(name, value):
    path = f"{JOB['out']}/{name}.json"
    with open(path, "w") as file:
        json.dump(value, file)
    return path


STREAMS = streams()
MANIFEST = {
    "version": "7.0.0", "type": "DeclarativeSource", "check": {"type": "CheckStream", "stream_names": [STREAMS[0]["name"]]},
    "streams": STREAMS, "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": 10, "max_concurrency": 10},
    "spec": {"type": "Spec", "connection_specification": {"type": "object", "properties": {}, "additionalProperties": True}},
}
CATALOG = {
    "streams": [
        {
            "stream": {"name": each["name"], "json_schema": SCHEMA, "supported_sync_modes": ["full_refresh"]},
            "sync_mode": "full_refresh", "destination_sync_mode": "overwrite",
        }
        for each in STREAMS
    ]
}
ARGS = ["read", "--config", write("config", {}), "--catalog", write("catalog", CATALOG)]
CONFIG = {}
SOURCE = ConcurrentDeclarativeSource(
    catalog=ConcurrentDeclarativeSource.read_catalog(ARGS[4]), config=CONFIG, state=None, source_config=MANIFEST
)
launch(SOURCE, ARGS)
