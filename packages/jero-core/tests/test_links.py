"""Links: `Location` and `Link` (SPEC section 11)."""

import datetime
import enum
import uuid
from decimal import Decimal

import pytest
from msgspec import Struct

from jero_core import BaseApp, BytesResponse, Endpoint, JSONResponse, Link, Location, Resource
from jero_core.links import Mounted, Target

from .asgi_driver import StartupFailed, app_of, request


class Widget(Struct):
    name: str


class WidgetPath(Struct):
    shop: str
    widget_id: int


class OtherPath(Struct):
    widget_id: int


class Widgets(Resource, path="/shops/{shop}/gärten", ref="widgets"):
    async def read_one(self, path: WidgetPath) -> Widget:
        return Widget(f"{path.shop} {path.widget_id}")

    @classmethod
    async def update(cls, path: WidgetPath) -> Widget: ...

    @staticmethod
    async def delete(path: WidgetPath) -> None: ...


class Health(Endpoint, path="/health"):
    async def get(self) -> Widget: ...


class Root(Endpoint, path="/"):
    async def get(self) -> Widget: ...


def linking(location=None, links=None, *, raw_headers=None, status=None):
    """An app whose endpoint answers with links, made when the request comes."""

    class Spot(Endpoint, path="/spot"):
        async def get(self) -> JSONResponse[Widget]:
            return JSONResponse(
                json=Widget("x"),
                location=location,
                links=links,
                raw_headers=raw_headers,
                status_code=status,
            )

    return app_of(Spot(), Widgets(), Health(), Root())


def location_of(location, **options):
    return request(linking(location), "GET", "/spot", **options).header("location")


def link_of(*links, **options):
    return request(linking(links=links), "GET", "/spot", **options).header("link")


@pytest.mark.parametrize("operation", [Widgets.read_one, Widgets.update, Widgets.delete, Widgets().read_one])
def test_a_location_leads_to_an_operation(operation):
    path = WidgetPath("north", 7)
    assert location_of(Location.from_operation(operation, path=path)) == "/shops/north/g%C3%A4rten/7"


def test_a_location_leads_to_a_ref():
    path = WidgetPath("north", 7)
    assert location_of(Location.from_ref("widgets.read_one", path=path)) == "/shops/north/g%C3%A4rten/7"


@pytest.mark.parametrize(("operation", "place"), [(Health.get, "/health"), (Root.get, "/")])
def test_an_operation_without_slots_needs_no_path(operation, place):
    assert location_of(Location.from_operation(operation)) == place


@pytest.mark.parametrize("text", ["a/b", "100%", "ü", "a b", "?#", "%2F", "a+b&c", "~._-", "'\"<>", "\r\n"])
def test_a_link_leads_back_to_the_value_that_it_was_made_from(text):
    async def follow(client):
        place = (await client.request("GET", "/spot")).header("location")
        return place, (await client.request("GET", place)).json

    from .asgi_driver import serve

    place, answer = serve(linking(Location.from_operation(Widgets.read_one, path=WidgetPath(text, 1))), follow)
    assert answer == {"name": f"{text} 1"}
    assert set(place) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%/")


class Colour(enum.Enum):
    RED = "deep red"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (int, -1, "-1"),
        (bool, True, "true"),
        (float, 1.5, "1.5"),
        (Colour, Colour.RED, "deep%20red"),
        (uuid.UUID, uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime.date, datetime.date(2026, 1, 2), "2026-01-02"),
        (Decimal, Decimal("1.50"), "1.50"),
        (int | None, None, "null"),
    ],
)
def test_slots_of_every_kind_become_the_text_that_binds_to_them(kind, value, text):
    import msgspec

    path = msgspec.defstruct("Path", [("slot", kind)])

    class Spot(Endpoint, path="/spot/{slot}"):
        async def get(self, path: path) -> JSONResponse[Widget]:
            return JSONResponse(json=Widget(repr(path.slot)), location=Location.from_operation(Spot.get, path=path))

    response = request(app_of(Spot()), "GET", f"/spot/{text}")
    assert (response.json, response.header("location")) == ({"name": repr(value)}, f"/spot/{text}")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Location.from_operation(Widgets.read_one), r"takes path=WidgetPath\(\.\.\.\), and none is given"),
        (lambda: Location.from_operation(Widgets.read_one, path=OtherPath(1)), "and OtherPath is given"),
        (lambda: Location.from_operation(Health.get, path=OtherPath(1)), "takes no path"),
        (lambda: Location.from_operation(len), "an operation is a method"),
        (lambda: Location.from_operation("widgets.read_one"), "an operation is a method"),
        (lambda: Location.from_operation(Widgets), "an operation is a method"),
        (lambda: Location.from_ref(3), "a ref is a str"),
    ],
)
def test_what_a_link_is_made_of_is_checked_when_it_is_made(make, message):
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize(
    "path", ["", "x", "//evil.example", "/a b", "/a\\b", "/\r\nx: y", "/\x00", "\\/x", "https://x.y"]
)
def test_a_path_is_refused_unless_it_is_one_of_the_app(path):
    with pytest.raises(ValueError, match="no path"):
        Location.from_path(path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/x",
        "ftp://a.b",
        "javascript:alert(1)",
        "https://",
        "https://u:p@a.b",
        "https://a.b/\r\nx",
        "https://a.b\\c",
        "https://ü.b",
    ],
)
def test_a_url_is_refused_unless_it_is_http_without_credentials(url):
    with pytest.raises(ValueError, match=r"https URL|IDNA"):
        Location.from_url(url)


@pytest.mark.parametrize("ref", ["", "widgets", ".read_one", "widgets."])
def test_a_ref_without_its_two_parts_is_refused(ref):
    with pytest.raises(ValueError, match="no ref and operation"):
        Location.from_ref(ref)


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (Location.from_path("/a/ü?q=1&r=%20#f"), "/a/%C3%BC?q=1&r=%20#f"),
        (Location.from_path("/<x>"), "/%3Cx%3E"),
        (Location.from_url("https://a.example:8443/ü?q=<x>"), "https://a.example:8443/%C3%BC?q=%3Cx%3E"),
    ],
)
def test_paths_and_urls_are_percent_encoded_where_they_must_be(location, text):
    assert location_of(location) == text


@pytest.mark.parametrize("shop", ["", ".", ".."])
def test_a_value_that_can_be_no_segment_is_a_logged_500(shop, caplog):
    app = linking(Location.from_operation(Widgets.read_one, path=WidgetPath(shop, 1)))
    assert request(app, "GET", "/spot").status == 500
    assert "no path segment" in caplog.text


def test_a_value_that_is_no_finite_number_is_a_logged_500(caplog):
    class Path(Struct):
        slot: float

    class Spot(Endpoint, path="/spot/{slot}"):
        async def get(self, path: Path) -> JSONResponse[Widget]:
            return JSONResponse(json=Widget("x"), location=Location.from_operation(Spot.get, path=Path(float("nan"))))

    assert request(app_of(Spot()), "GET", "/spot/1").status == 500


class Elsewhere(Resource, path="/elsewhere"):
    async def read_one(self, path: OtherPath) -> Widget: ...


class Base(Resource):
    async def read_one(self, path: OtherPath) -> Widget: ...


class Red(Base, path="/red"): ...


class Blue(Base, path="/blue", ref="blue"): ...


@pytest.mark.parametrize(
    ("location", "message"),
    [
        (
            Location.from_operation(Elsewhere.read_one, path=OtherPath(1)),
            "Elsewhere.read_one is not mounted in this app",
        ),
        (Location.from_ref("blue.read_many"), "no operation has the ref 'blue.read_many'; the app has blue.read_one"),
        (
            Location.from_operation(Red.read_one, path=OtherPath(1)),
            "is mounted more than once (/red/{widget_id}, /blue/",
        ),
        (Location.from_ref("blue.read_one", path=WidgetPath("x", 1)), "takes path=OtherPath(...)"),
        ("/red", "location= is a Location, not str"),
    ],
)
def test_a_link_that_leads_nowhere_is_a_logged_500(location, message, caplog):
    class Spot(Endpoint, path="/spot"):
        async def get(self) -> JSONResponse[Widget]:
            return JSONResponse(json=Widget("x"), location=location)

    assert request(app_of(Spot(), Red(), Blue()), "GET", "/spot").status == 500
    assert message in caplog.text


def test_a_ref_tells_which_of_several_mounts_is_meant():
    class Spot(Endpoint, path="/spot"):
        async def get(self) -> BytesResponse:
            return BytesResponse(content=b"", location=Location.from_ref("blue.read_one", path=OtherPath(1)))

    assert request(app_of(Spot(), Red(), Blue()), "GET", "/spot").header("location") == "/blue/1"


def test_an_operation_of_a_generic_base_takes_any_struct_until_it_is_rendered():
    class Store[P](Resource):
        async def read_one(self, path: P) -> Widget: ...

    class Things(Store[OtherPath], path="/things"): ...

    class Spot(Endpoint, path="/spot"):
        async def get(self) -> BytesResponse:
            return BytesResponse(content=b"", location=Location.from_operation(Things.read_one, path=OtherPath(1)))

    assert request(app_of(Spot(), Things()), "GET", "/spot").header("location") == "/things/1"


# Link


def test_links_are_one_header():
    first = Link.from_operation(Health.get, rel="help", title='the "health"\\', media_type="text/html")
    second = Link.from_path("/next?page=2", rel="next last")
    third = Link.from_url("https://a.example/", rel="https://a.example/rel", title="grün, ja")
    fourth = Link.from_ref("widgets.read_one", rel="item", path=WidgetPath("a,b", 1))
    assert link_of(first, second, third, fourth) == (
        r'</health>; rel="help"; title="the \"health\"\\"; type="text/html", '
        '</next?page=2>; rel="next last", '
        "<https://a.example/>; rel=\"https://a.example/rel\"; title*=UTF-8''gr%C3%BCn%2C%20ja, "
        '</shops/a%2Cb/g%C3%A4rten/1>; rel="item"'
    )


@pytest.mark.parametrize("rel", ["tag:example.com,2026:rel", "tag:me@example.com,2026:a next", "urn:x:(y)!;z", "a:"])
def test_a_relation_type_may_be_any_uri(rel):
    assert link_of(Link.from_path("/", rel=rel)) == f'</>; rel="{rel}"'


@pytest.mark.parametrize("rel", ["", "a b ", 'a"b', "a\r\nb", "1a", "ü", "a,b", "x:a>", 'x:"', "x:a  y"])
def test_a_relation_type_that_is_none_is_refused(rel):
    with pytest.raises(ValueError, match="no relation type"):
        Link.from_path("/", rel=rel)


@pytest.mark.parametrize("media_type", ["", "text", "text/html; x", 'a/"b"', "a/b\r\n"])
def test_a_media_type_that_is_none_is_refused(media_type):
    with pytest.raises(ValueError, match="no media type"):
        Link.from_path("/", rel="x", media_type=media_type)


def test_a_title_cannot_end_the_header():
    assert link_of(Link.from_path("/", rel="x", title="a\r\nb\ud800")) == "</>; rel=\"x\"; title*=UTF-8''a%0D%0Ab%3F"


def test_something_else_among_the_links_is_a_logged_500(caplog):
    assert request(linking(links=["/x"]), "GET", "/spot").status == 500
    assert "links= has Links in it, not str" in caplog.text


def test_no_links_are_no_header():
    assert link_of() is None


# Beside the other members


def test_links_stand_behind_typed_and_before_raw_headers():
    class Typed(Struct):
        x_typed: str

    class Spot(Endpoint, path="/spot"):
        async def get(self) -> JSONResponse[Widget, Typed]:
            return JSONResponse(
                json=Widget("x"),
                headers=Typed("t"),
                raw_headers={"x-raw": "r"},
                status_code=201,
                location=Location.from_path("/l"),
                links=(Link.from_path("/k", rel="x"),),
            )

    response = request(app_of(Spot()), "GET", "/spot")
    assert response.status == 201
    assert [name for name, _ in response.headers][2:] == ["x-typed", "location", "link", "x-raw"]


def test_a_response_without_content_keeps_its_location():
    response = request(linking(Location.from_path("/l"), status=204), "GET", "/spot")
    assert (response.status, response.body, response.headers) == (204, b"", [("location", "/l")])


def test_a_location_that_is_given_twice_is_a_logged_500(caplog):
    app = linking(Location.from_path("/l"), raw_headers={"Location": "/m"})
    assert request(app, "GET", "/spot").status == 500
    assert "location is given twice" in caplog.text


# Where the app stands


@pytest.mark.parametrize(("root", "prefix"), [("", ""), ("/api", "/api"), ("/api/", "/api"), ("/ü ", "/%C3%BC%20")])
def test_the_root_path_stands_before_paths(root, prefix):
    async def conversation(client):
        return (await client.request("GET", "/spot", root_path=root)).header("location")

    from .asgi_driver import serve

    assert serve(linking(Location.from_operation(Health.get)), conversation) == f"{prefix}/health"


@pytest.mark.parametrize(
    ("base", "place"),
    [("https://a.example", "https://a.example/health"), ("http://[::1]:8000/shop/", "http://[::1]:8000/shop/health")],
)
def test_a_base_url_makes_links_absolute(monkeypatch, base, place):
    monkeypatch.setenv("JERO_BASE_URL", base)
    assert location_of(Location.from_operation(Health.get), root_path="/api") == place


def test_a_url_stays_what_it_is(monkeypatch):
    monkeypatch.setenv("JERO_BASE_URL", "https://a.example")
    assert location_of(Location.from_url("https://b.example/x")) == "https://b.example/x"


def forwarded(monkeypatch, *headers, trust="1", root=""):
    monkeypatch.setenv("JERO_TRUST_FORWARDED", trust)
    pairs = [(f"x-forwarded-{name}", value) for name, value in headers]
    return location_of(Location.from_operation(Health.get), headers=pairs, root_path=root)


PROTO, HOST = ("proto", "https"), ("host", "a.example")


@pytest.mark.parametrize(
    ("headers", "place"),
    [
        ([PROTO, HOST], "https://a.example/r/health"),
        ([PROTO, HOST, ("for", "10.0.0.1")], "https://a.example/r/health"),
        ([PROTO, HOST, ("for", "10.0.0.1"), ("for", "10.0.0.2")], "https://a.example/r/health"),
        ([("proto", "HTTP"), ("host", "a.example:8000")], "http://a.example:8000/r/health"),
        ([PROTO, HOST, ("port", "8443")], "https://a.example:8443/r/health"),
        ([PROTO, HOST, ("port", "443")], "https://a.example/r/health"),
        ([PROTO, ("host", "a.example:1"), ("port", "2")], "https://a.example:1/r/health"),
        ([PROTO, ("host", "[::1]"), ("port", "2")], "https://[::1]:2/r/health"),
        ([PROTO, HOST, ("prefix", "/shop/")], "https://a.example/shop/health"),
        ([PROTO, HOST, ("prefix", "")], "https://a.example/health"),
    ],
)
def test_trusted_forwarded_headers_say_where_the_app_stands(monkeypatch, headers, place):
    assert forwarded(monkeypatch, *headers, root="/r") == place


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [HOST],
        [PROTO],
        [PROTO, PROTO, HOST],
        [PROTO, HOST, HOST],
        [PROTO, HOST, ("prefix", "/a"), ("prefix", "/b")],
        [("proto", "javascript"), HOST],
        [("proto", "https, http"), HOST],
        [PROTO, ("host", "a.example, b.example")],
        [PROTO, ("host", "a.example/x")],
        [PROTO, ("host", "u@a.example")],
        [PROTO, ("host", "a b")],
        [PROTO, ("host", "")],
        [PROTO, ("host", "a.example:99999")],
        [PROTO, HOST, ("port", "0")],
        [PROTO, HOST, ("port", "65536")],
        [PROTO, HOST, ("port", "80x")],
        [PROTO, HOST, ("prefix", "//evil.example")],
        [PROTO, HOST, ("prefix", "shop")],
        [PROTO, HOST, ("prefix", "/a/../b")],
        [PROTO, HOST, ("prefix", "/a>")],
    ],
)
def test_forwarded_headers_that_cannot_be_believed_leave_links_as_paths(monkeypatch, headers):
    assert forwarded(monkeypatch, *headers, root="/r") == "/r/health"


def test_other_headers_say_nothing_about_where_the_app_stands(monkeypatch):
    monkeypatch.setenv("JERO_TRUST_FORWARDED", "1")
    headers = [("x-forwarded-proto", "https"), ("host", "b.example"), ("X-Forwarded-Host", "a.example"), ("x", "y")]
    assert location_of(Location.from_operation(Health.get), headers=headers) == "https://a.example/health"


@pytest.mark.parametrize("trust", ["", "0"])
def test_forwarded_headers_are_not_believed_unasked(monkeypatch, trust):
    assert forwarded(monkeypatch, PROTO, HOST, trust=trust) == "/health"


@pytest.mark.parametrize(
    ("base", "trust", "message"),
    [
        ("https://a.example", "1", "are both set"),
        ("", "yes", "is neither 0 nor 1"),
        ("a.example", "", "is no http or https URL"),
        ("ftp://a.example", "", "is no http or https URL"),
        ("https://", "", "is no http or https URL"),
        ("https://u:p@a.example", "", "is no http or https URL"),
        ("https://a.example?x=1", "", "is no http or https URL"),
        ("https://a.example/#x", "", "is no http or https URL"),
        ("https://a.example/?", "", "is no http or https URL"),
        ("https://a.example/a b", "", "is no http or https URL"),
        ("https://a.example\n", "", "is no http or https URL"),
        ("https://a.example/a\r\nset-cookie: b", "", "is no http or https URL"),
        (" https://a.example", "", "is no http or https URL"),
        ("https://a\t.example", "", "is no http or https URL"),
        ("https://a.example:99999", "", "is no URL"),
        ("https://a.example:0", "", "is no http or https URL"),
        ("https://[::1", "", "is no URL"),
    ],
)
def test_settings_that_are_wrong_are_a_wiring_error(monkeypatch, base, trust, message):
    monkeypatch.setenv("JERO_BASE_URL", base)
    monkeypatch.setenv("JERO_TRUST_FORWARDED", trust)
    with pytest.raises(StartupFailed, match=message) as failure:
        request(linking(), "GET", "/spot")
    assert "JERO-W061" in str(failure.value)


def test_the_environment_is_read_at_each_start(monkeypatch):
    app = linking(Location.from_operation(Health.get))
    assert request(app, "GET", "/spot").header("location") == "/health"
    monkeypatch.setenv("JERO_BASE_URL", "https://a.example")
    assert request(app, "GET", "/spot").header("location") == "https://a.example/health"


def test_links_are_frozen_and_equal_by_value():
    assert Location.from_path("/a") == Location.from_path("/a")
    with pytest.raises(AttributeError):
        Link.from_path("/", rel="x").rel = "y"
    assert Target.of_path("/a") != Target.of_path("/b")
    assert Mounted("a", None, None) == Mounted("a", None, None)


# Found at startup: links in closures and nested functions


def test_a_link_in_a_nested_function_is_found_at_startup():
    class Hidden(Endpoint, path="/hidden"):
        async def get(self) -> Widget: ...

    class Spot(Endpoint, path="/spot"):
        async def get(self) -> JSONResponse[Widget]:
            def make():
                return Location.from_operation(Hidden.get)

            return JSONResponse(json=Widget("x"), location=make())

    with pytest.raises(StartupFailed, match="JERO-W060"):
        request(app_of(Spot()), "GET", "/spot")
    assert request(app_of(Spot(), Hidden()), "GET", "/spot").header("location") == "/hidden"


def test_a_link_that_is_not_plain_is_no_alarm():
    class Hidden(Endpoint, path="/hidden"):
        async def get(self) -> Widget: ...

    class Spot(Endpoint, path="/spot"):
        async def get(self) -> JSONResponse[Widget]:
            maker = Location
            hidden = [Hidden.get]
            return JSONResponse(
                json=Widget("x"),
                location=maker.from_operation(Hidden.get),
                links=[Link.from_operation(hidden[0], rel="next"), Link.from_operation(len, rel="next")],
            )

    assert request(app_of(Spot()), "GET", "/x").status == 404


def test_a_class_that_is_not_defined_yet_is_no_alarm():
    class Spot(Endpoint, path="/spot"):
        async def get(self) -> JSONResponse[Widget]:
            return JSONResponse(json=Widget("x"), location=Location.from_operation(Later.get))

        async def put(self) -> JSONResponse[Widget]:
            return JSONResponse(json=Widget("x"), location=Location.from_operation(later.get))  # noqa: F821

    class Started(BaseApp):
        async def _wire(self):
            self._include_endpoint(Spot())

    assert request(Started(), "GET", "/x").status == 404

    class Later(Endpoint, path="/later"):
        async def get(self) -> Widget: ...


# Generic path Structs


class Slot[T](Struct):
    item: T


class Numbered(Resource, path="/numbered"):
    async def read_one(self, path: Slot[int]) -> JSONResponse[Widget]:
        return JSONResponse(json=Widget("x"), location=Location.from_operation(Numbered.read_one, path=path))


def test_a_link_leads_to_an_operation_with_a_generic_path_struct():
    assert request(app_of(Numbered()), "GET", "/numbered/4").header("location") == "/numbered/4"
    with pytest.raises(TypeError, match=r"takes path=Slot\(...\), and OtherPath is given"):
        Location.from_operation(Numbered.read_one, path=OtherPath(1))


def test_a_link_to_the_request_s_own_path_never_fails():
    class Named(Resource, path="/named"):
        async def read_one(self, path: Slot[str]) -> JSONResponse[Widget]:
            return JSONResponse(json=Widget("x"), location=Location.from_operation(Named.read_one, path=path))

    targets = ["/named/a", "/named/%20", "/named/%2F", "/named/..a", "/named/.", "/named/%2e%2E"]
    answers = [request(app_of(Named()), "GET", target) for target in targets]
    assert [answer.status for answer in answers] == [200] * 4 + [404] * 2
    assert [answer.header("location") for answer in answers[:4]] == targets[:4]


# Found at startup: only the plain ones


class Elsewhere(Endpoint, path="/elsewhere"):
    """Never included."""

    async def get(self) -> Widget: ...

    @classmethod
    async def put(cls) -> Widget: ...

    @staticmethod
    async def delete() -> None: ...

    @staticmethod
    def pick(_kind="health"):
        return Health.get


class Proxy:
    """Of no use before there is a request, as the proxies of other frameworks are."""

    is_bound = False

    def __getattr__(self, name):
        if Proxy.is_bound:
            return Health.get
        raise RuntimeError("working outside of a request")


def pick():
    return Health.get


REF = "widgets.read_one"
PICKED = {Elsewhere.get: Health.get}
PROXY = Proxy()
PLACE = WidgetPath("north", 7)
NO_PLACE = None
OPERATION = "read_one"


def spot(location):
    """An endpoint whose handler has this expression in its code."""
    names = {**globals()}
    exec(  # text of this file
        "class Spot(Endpoint, path='/spot'):\n"
        "    async def get(self) -> JSONResponse[Widget]:\n"
        f"        return JSONResponse(json=Widget('x'), location={location})\n",
        names,
    )
    return names["Spot"]()


@pytest.mark.parametrize(
    "location",
    [
        "Location.from_ref(f'widgets.{OPERATION}', path=PLACE)",
        "Location.from_ref('widgets.' + OPERATION, path=PLACE)",
        "Location.from_ref('widgets.%s' % OPERATION, path=PLACE)",
        "Location.from_ref('widgets.{}'.format(OPERATION), path=PLACE)",
        "Location.from_ref('nowhere' and 'widgets.read_one', path=PLACE)",
        "Location.from_ref('nowhere' < OPERATION < 'z' and 'widgets.read_one', path=PLACE)",
        "Location.from_ref(REF, path=PLACE)",
        "Location.from_operation(pick())",
        "Location.from_operation(Elsewhere.pick())",
        "Location.from_operation(Elsewhere.pick('health'))",
        "Location.from_operation(Elsewhere.pick(_kind='health'))",
        "Location.from_operation(PICKED[Elsewhere.get])",
        "Location.from_operation(Elsewhere.get and Health.get)",
        "Location.from_operation(Elsewhere.get if not OPERATION else Health.get)",
        "Location.from_operation(Health.get if OPERATION else Elsewhere.get)",
        "Location.from_operation(path=NO_PLACE, operation=Health.get)",
        "Location.from_operation(path=None, operation=Health.get)",
        "Location.from_operation(path=Health.get and None, operation=Health.get)",
        "Location.from_operation(*[Health.get])",
        "Location.from_operation(Health.get, **{})",
        "Location.from_operation(Health.get, path=None if OPERATION else PLACE)",
        "Location.from_operation(Health.get, path=[None for each in OPERATION][0])",
        "(lambda Elsewhere: Location.from_operation(Elsewhere.get))(Health)",
        "(lambda Elsewhere: (lambda: Location.from_operation(Elsewhere.get))())(Health)",
        "[Location.from_operation(Elsewhere.get) for Elsewhere in [Health]][0]",
    ],
)
def test_a_target_that_is_put_together_is_no_alarm(location):
    place = request(app_of(spot(location), Widgets(), Health()), "GET", "/spot").header("location")
    assert place in {"/health", "/shops/north/g%C3%A4rten/7"}


@pytest.mark.parametrize(
    "location",
    [
        "Location.from_ref('elsewhere.get')",
        "Location.from_ref(ref='elsewhere.get')",
        "Location.from_ref('elsewhere.get', path=WidgetPath(f'{OPERATION}-1', 7 + len(OPERATION)))",
        "Location.from_operation(Elsewhere.get)",
        "Location.from_operation(Elsewhere.put)",
        "Location.from_operation(Elsewhere.delete)",
        "Location.from_operation(operation=Elsewhere.get)",
        "Location.from_operation(Elsewhere.get, path=PLACE)",
        "Location.from_operation(Elsewhere.get, path=WidgetPath(shop='north', widget_id=[7][0]))",
        "Link.from_operation(Elsewhere.get, rel='item', path=None, title=str.lower(OPERATION))",
        "[Location.from_operation(Elsewhere.get) for _ in OPERATION][0]",
        "(lambda: (lambda: Location.from_operation(Elsewhere.get))())()",
    ],
)
def test_a_plain_target_is_found_at_startup(location):
    with pytest.raises(StartupFailed, match="JERO-W060"):
        request(app_of(spot(location), Widgets(), Health()), "GET", "/spot")


def test_a_variable_that_hides_the_handler_s_is_no_alarm():
    class Hidden(Endpoint, path="/hidden"):
        async def get(self) -> Widget: ...

    class Spot(Endpoint, path="/spot"):
        async def get(self) -> JSONResponse[Widget]:
            def outer(Hidden):  # noqa: N803  # a class
                def inner():
                    return Location.from_operation(Hidden.get)

                return inner()

            return JSONResponse(json=Widget("x"), location=outer(Health if Hidden else None))

    assert request(app_of(Spot(), Health()), "GET", "/spot").header("location") == "/health"


def test_a_search_for_links_runs_nothing_of_the_user_s(monkeypatch):
    app = app_of(spot("Location.from_operation(PROXY.get)"), Health())
    assert request(app, "GET", "/spot").status == 500
    monkeypatch.setattr(Proxy, "is_bound", True)
    assert request(app, "GET", "/spot").header("location") == "/health"
