"""The version of this package. It stands alone, so that any module can name it without loading another."""

from typing import Final

__version__: Final = "0.1.0"
