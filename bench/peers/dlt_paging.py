"""The paginators and the authenticator of dlt for a job: what its documentation shows for such an API."""

from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import (
    HeaderLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)


def paginator_of(job):
    # The API states how many records there are. `total_path` of numbered pages wants the number of pages, so it is left out.
    numbered = {"base_page": 1, "page_param": "page", "total_path": None}
    return {
        "pages": lambda: PageNumberPaginator(**numbered),
        "parents": lambda: PageNumberPaginator(**numbered),
        "offsets": lambda: OffsetPaginator(limit=job["size"], limit_param="size", total_path="total"),
        "cursor": lambda: JSONResponseCursorPaginator(cursor_path="next", cursor_param="cursor"),
        "links": lambda: HeaderLinkPaginator(),
        "one": lambda: SinglePagePaginator(),
    }[job["paging"]]()


def auth_of(job):
    if job["auth"] == "none":
        return None
    return OAuth2ClientCredentials(
        access_token_url=job["url"] + "/token", client_id="bench", client_secret="bench-secret"
    )
