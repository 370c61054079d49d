"""A tap by the Singer SDK, as its cookiecutter lays one out: python singer_tap.py job.json."""

import json
import sys

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import OAuthAuthenticator
from singer_sdk.pagination import (
    BaseOffsetPaginator,
    BasePageNumberPaginator,
    HeaderLinkPaginator,
    JSONPathPaginator,
    SinglePagePaginator,
)

with open(sys.argv[1]) as file:
    JOB = json.load(file)
ROW = th.PropertiesList(
    th.Property("id", th.IntegerType),
    th.Property("name", th.StringType),
    th.Property("email", th.StringType),
    th.Property("status", th.StringType),
    th.Property("total", th.NumberType),
    th.Property("updated_at", th.DateTimeType),
).to_dict()


class ClientCredentials(OAuthAuthenticator):
    @property
    def oauth_request_body(self):
        return {"grant_type": "client_credentials", "client_id": "bench", "client_secret": "bench-secret"}


class NumberedPages(BasePageNumberPaginator):
    def has_more(self, response):
        return len(response.json()["rows"]) > 0


class Offsets(BaseOffsetPaginator):
    def has_more(self, response):
        return self.current_value + self.page_size < response.json()["total"]


class Rows(RESTStream):
    url_base = JOB["url"]
    records_jsonpath = "$.rows[*]"
    primary_keys = ("id",)
    schema = ROW
    paging = JOB["paging"]

    @property
    def authenticator(self):
        if JOB["auth"] == "none":
            return super().authenticator
        return ClientCredentials(
            client_id="bench", client_secret="bench-secret", auth_endpoint=JOB["url"] + "/token"
        )

    def get_new_paginator(self):
        return {
            "pages": lambda: NumberedPages(1),
            "offsets": lambda: Offsets(0, JOB["size"]),
            "cursor": lambda: JSONPathPaginator("$.next"),
            "links": lambda: HeaderLinkPaginator(),
            "one": lambda: SinglePagePaginator(),
        }[self.paging]()

    def get_url_params(self, context, next_page_token):
        if self.paging == "links" and next_page_token is not None:
            return dict(pair.split("=") for pair in next_page_token.query.split("&"))
        sized = {"size": JOB["size"]}
        if next_page_token is None:
            return sized
        name = {"pages": "page", "offsets": "offset", "cursor": "cursor"}[self.paging]
        return {**sized, name: next_page_token}


class Parents(Rows):
    name, path, paging = "parents", "/parents", "pages"

    def get_child_context(self, record, context):
        return {"parent": record["id"]}


class Children(Rows):
    name, path, paging = "children", "/parents/{parent}/children", "one"
    parent_stream_type = Parents
    state_partitioning_keys = ()


class Bench(Tap):
    name = "tap-bench"
    config_jsonschema = th.PropertiesList().to_dict()

    def discover_streams(self):
        if JOB["paging"] == "parents":
            return [Parents(self), Children(self)]
        return [type(name, (Rows,), {"name": name, "path": f"/{name}"})(self) for name in JOB["streams"]]


Bench.cli([])
