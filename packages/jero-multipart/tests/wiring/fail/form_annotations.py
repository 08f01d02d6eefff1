"""Forms whose argument is no form, or whose fields no part can fill."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from jero_core import BaseApp, Endpoint
from jero_multipart import FilePart, FormPart, FormSource, SpooledFilePart


class Name(Struct):
    name: str


class Other(Struct):
    title: str


class Tagged(Struct, tag=True):
    name: str


class TaggedToo(Struct, tag=True):
    name: str


@dataclass
class Data:
    name: str


class MyFile(FilePart): ...


class MySpooledFile[H](SpooledFilePart[H]): ...


class Headers(Struct):
    x_map: dict[str, str] = {}


class Many(Struct):
    x_many: list[str]


class Underscore(Struct):
    odd: str = msgspec.field(name="x y")


class Fields(Struct):
    mapping: dict[str, int]
    data: Data
    nested: list[list[int]]
    bare_list: list
    pair: tuple[int, str]
    set_of_files: set[bytes]
    untagged: Name | Other
    mixed: Name | int
    file_or_text: FilePart | str
    two_kinds: FilePart | SpooledFilePart
    own_file: MyFile
    own_spooled_file: list[MySpooledFile[None]]
    bytes_or_text: bytes | str
    array: bytearray
    no_type: FormPart
    part_of_many: FormPart[list[int]]
    part_of_file: FormPart[FilePart]
    part_of_mapping: FormPart[dict[str, int]]
    no_struct: FormPart[str, dict[str, str]]
    bad_headers: FilePart[Headers]
    bad_name: SpooledFilePart[Underscore]
    many_headers: FormPart[str, Many]
    json_with_file: "Inner"
    bound: Annotated[int, Meta(min_length=3)]
    bound_file: Annotated[FilePart, Meta(max_length=3)]
    bound_spooled_file: Annotated[SpooledFilePart, Meta(max_length=3)] | None
    bound_files: list[Annotated[FilePart | None, Meta(max_length=3)]]
    bound_part: Annotated[FormPart[str], Meta(max_length=3)] | msgspec.UnsetType
    bound_bytes: Annotated[bytes, Meta(ge=3)]
    bytes_pattern: Annotated[bytes, Meta(pattern="a")] | msgspec.UnsetType
    bytes_or_none: Annotated[bytes | None, Meta(max_length=3)]
    bound_list: Annotated[list[str], Meta(ge=1)]
    list_pattern: Annotated[list[FilePart], Meta(pattern="a")] | None
    bound_set: Annotated[set[str], Meta(gt=3)]


class Inner(Struct):
    file: FilePart


class Mapping(Endpoint, path="/mapping"):
    async def post(self, form: dict[str, str]) -> None: ...


class Optional(Endpoint, path="/optional"):
    async def post(self, form: Name | None) -> None: ...


class Union(Endpoint, path="/union"):
    async def post(self, form: Tagged | TaggedToo) -> None: ...


class File(Endpoint, path="/file"):
    async def post(self, form: FilePart) -> None: ...

    async def put(self, form: SpooledFilePart) -> None: ...

    async def patch(self, form: FormPart[int]) -> None: ...


class Bodiless(Endpoint, path="/bodiless"):
    async def get(self, form: Name) -> None: ...


class Twice(Endpoint, path="/twice"):
    async def post(self, form: Name, content: bytes) -> None: ...


class Everything(Endpoint, path="/everything"):
    async def post(self, form: Fields) -> None: ...

    async def put(self, form: Any) -> None: ...


class App(BaseApp):
    sources = {**BaseApp.sources, "form": FormSource()}

    async def _wire(self) -> None:
        for endpoint in (Mapping, Optional, Union, File, Bodiless, Twice, Everything):
            self._include_endpoint(endpoint())
