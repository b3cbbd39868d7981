"""The release: the one number that the API, the workers and the pages show (docs/releases.md)."""

from typing import Final

RELEASE: Final = "0.2.0"
