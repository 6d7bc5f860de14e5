"""``python -m harassclf`` is the command line."""

from harassclf.cli import main

raise SystemExit(main())
