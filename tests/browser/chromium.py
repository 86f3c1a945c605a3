"""Where the browser's helpers lie."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
AXE = Path(os.environ.get("AXE_CORE") or ROOT / "build" / "browser" / "node_modules/axe-core/axe.min.js")
