"""What every command line of this package shares."""

from __future__ import annotations

import argparse
import os
import ssl
import sys
from pathlib import Path
from typing import Callable, Optional

from .connection import Settings
from .errors import NotaryError

OK, NO, USAGE = 0, 1, 2
#: Errors that are an answer, not a failure of the command.
_MEANS_NO = (
    "ERR_REFUSED",
    "ERR_ADMIN",
    "ERR_BROKER_UNPROVEN",
    "ERR_RECEIPT_INVALID",
)
_VERSIONS = {"mqttv31": 3, "mqttv311": 4, "mqttv5": 5}


def new_parser(name: str, about: Optional[str]) -> argparse.ArgumentParser:
    """Make a parser in which `-h` is the host, as in Mosquitto's clients."""
    parser = argparse.ArgumentParser(prog=name, description=about, add_help=False)
    parser.add_argument("--help", action="help", help="explain this")
    return parser


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Add what says where the broker is."""
    parser.add_argument("-h", "--host", default="localhost")
    parser.add_argument("-p", "--port", type=int, default=1883)
    parser.add_argument("-i", "--id", metavar="ID", help="client id")
    parser.add_argument("-u", "--username")
    parser.add_argument("-P", "--pw", metavar="PASSWORD")
    parser.add_argument("--cafile", type=Path, help="TLS: authorities, PEM")
    parser.add_argument(
        "-V", "--protocol-version", choices=_VERSIONS, default="mqttv5"
    )


def settings_of(args: argparse.Namespace) -> Settings:
    """Return what the options say. Raises ERR_USAGE."""
    tls = None
    if args.cafile is not None:
        try:
            tls = ssl.create_default_context(cafile=str(args.cafile))
        except (OSError, ssl.SSLError) as cause:
            raise NotaryError("ERR_USAGE", f"cannot use {args.cafile}") from cause
    return Settings(
        host=args.host,
        port=args.port,
        client_id=args.id,
        protocol=_VERSIONS[args.protocol_version],
        username=args.username,
        password=args.pw,
        tls=tls,
    )


def run_command(name: str, run: Callable[[], int]) -> int:
    """Run a command: errors in one line, exit codes as `notarymq` has them."""
    try:
        return run()
    except NotaryError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return NO if error.code in _MEANS_NO else USAGE
    except BrokenPipeError:
        # Whoever read has enough, as `head`: what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return OK
