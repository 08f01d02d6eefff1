"""The options that the clients hand on to httpx, typed as httpx types them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from httpx._types import (
        AuthTypes,
        CookieTypes,
        HeaderTypes,
        QueryParamTypes,
        RequestContent,
        RequestData,
        RequestExtensions,
        RequestFiles,
        TimeoutTypes,
    )


class ClientOptions(TypedDict, total=False):
    """What httpx's clients take; what is about a network is left out."""

    auth: "AuthTypes | None"
    params: "QueryParamTypes | None"
    headers: "HeaderTypes | None"
    cookies: "CookieTypes | None"
    timeout: "TimeoutTypes"
    follow_redirects: bool
    max_redirects: int
    event_hooks: Mapping[str, list[Callable[..., object]]] | None
    default_encoding: str | Callable[[bytes], str]


class RequestOptions(TypedDict, total=False):
    """What httpx's clients take for a request, beside its method and URL."""

    content: "RequestContent | None"
    data: "RequestData | None"
    files: "RequestFiles | None"
    json: object
    params: "QueryParamTypes | None"
    headers: "HeaderTypes | None"
    cookies: "CookieTypes | None"
    auth: "AuthTypes | None"
    follow_redirects: bool
    timeout: "TimeoutTypes"
    extensions: "RequestExtensions | None"
