"""`python -m fra_live`: the command line."""

import sys

from fra_live.cli import main

if __name__ == "__main__":
    sys.exit(main())
