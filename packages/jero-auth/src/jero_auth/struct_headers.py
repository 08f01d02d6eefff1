"""The credential of a plain authenticator: the Struct of request headers that it takes."""

import msgspec

from jero_core.extend import INVALID, Codec, Parameter, Refusal, header_struct, header_values

from .bearer import bearer_challenge
from .credential import Credential
from .scheme import DEFAULT_REALM


def headers_credential(parameters: tuple[Parameter, ...], codec: Codec) -> Credential:
    """How to get the headers. Raises `Refusal` with all that is wrong with them."""
    if len(parameters) != 1:
        raise Refusal(
            code="JERO-W044",
            reason=f"its `authenticate` takes {len(parameters)} arguments beside `self`, and gets one: the headers.",
            remedy="`def authenticate(self, headers: ...)`, with a Struct that has a field for each header.",
        )
    struct, fields, names = header_struct(
        msgspec.structs.replace(parameters[0], name="headers"),
        "a msgspec Struct with one field for each header, such as `authorization: str`.",
        codec,
    )
    made = header_values(struct, fields, codec)
    lines = [line.replace("$target", "$_wanted") for line in made.lines]
    needed = [name for name, field in zip(names, fields, strict=True) if field.required] or names
    return Credential(
        arguments=("$_wanted",),
        challenge=bearer_challenge(f'realm="{DEFAULT_REALM}"') if b"authorization" in names else "ApiKey",
        schemes=tuple({"type": "apiKey", "in": "header", "name": name.decode()} for name in needed),
        headers=names,
        parse=("try:", *(f"    {line}" for line in lines), "except $invalid:", "    raise $unauthorized() from None"),
        values={**made.values, "invalid": INVALID},
    )
