"""Run the command line: `python -m CTCounterfactualLib`, or `python` with this folder's path.

The second needs no PYTHONPATH: so Slicer's Python runs the worker.
"""

import sys
from pathlib import Path


def _main() -> int:
    package = Path(__file__).resolve().parent
    if sys.path and Path(sys.path[0] or ".").resolve() == package:
        # Left alone, our `errors`, `events` or `app` would be found as top-level modules.
        sys.path[0] = str(package.parent)
    from CTCounterfactualLib.app.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(_main())
