"""`python3 -m notarymq.lab --phase A|B|C`: the lab, each step with what it shows.

Phase A needs a listener with `protocol notary-link` at --link-port, phase C
the rights of an administrator, which anybody on a loopback listener of a
broker without configuration has.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import List, Optional

from ..commands import NO, OK, add_connection_options, new_parser, run_command, settings_of
from . import phase_a, phase_b, phase_c
from .scene import LabFailed, Scene, Story

_PHASES = {"A": phase_a.run, "B": phase_b.run, "C": phase_c.run}


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one phase. Returns 0, 1 when it did not see what it claims, or 2."""
    parser = new_parser("notarymq.lab", __doc__)
    parser.add_argument("--phase", choices=_PHASES, required=True)
    add_connection_options(parser)
    parser.add_argument("--link-port", type=int, default=1884)
    parser.add_argument(
        "--keys",
        type=Path,
        default=Path("notarymq-lab"),
        metavar="DIR",
        help="own key, and the public keys of the other parties",
    )
    args = parser.parse_args(arguments)

    def run() -> int:
        scene = Scene(Story(), settings_of(args), args.link_port, args.keys)
        try:
            _PHASES[args.phase](scene)
        except LabFailed as failure:
            print(f"notarymq.lab: {failure}", file=sys.stderr)
            return NO
        print(f"\nPhase {args.phase}: all steps passed.")
        return OK

    return run_command("notarymq.lab", run)


if __name__ == "__main__":
    sys.exit(main())
