"""The block of body is known here."""

from body_block import hu, lungs, source  # noqa: F401
