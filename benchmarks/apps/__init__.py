"""One module per contender; each exposes `app`, an ASGI 3 application that does the same work as the others."""
