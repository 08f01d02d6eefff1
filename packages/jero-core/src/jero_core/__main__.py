"""`python -m jero_core`: see explain.py."""

import sys

from .explain import main

if __name__ == "__main__":
    sys.exit(main())
