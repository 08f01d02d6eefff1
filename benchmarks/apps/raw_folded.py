"""raw.py with its async handlers folded into their routes, as only a handler that waits for nothing can be.

It is made from raw.py's own text, so that the two cannot drift apart. It is reported beside `raw`, not the base: it
does less than any contender, one awaited coroutine a request.
"""

from pathlib import Path

FOLDED = {
    "item, request_id = await read_item()": "item, request_id = build_item(), REQUEST_ID",
    "await read_by_id(item_id)": 'ItemRef(item_id=item_id, name="Espresso machine")',
    "await read_page(page, size, q)": "build_page(page, size, q)",
    "await create(new)": "build_created(new)",
    "await find_user(token.decode())": "TOKENS.get(token.decode())",
    "await create_owned(new, user)": "build_owned(new, user)",
}


def fold(text: str) -> str:
    """Replace each awaited handler by what it does."""
    for awaited, folded in FOLDED.items():
        if awaited not in text:
            raise ValueError(f"raw.py has no {awaited!r}")
        text = text.replace(awaited, folded)
    return text


exec(compile(fold(Path(__file__).with_name("raw.py").read_text("utf-8")), "raw_folded.py", "exec"))
