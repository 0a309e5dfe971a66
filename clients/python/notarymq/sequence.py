"""The sequence number of a key, in `<KEY>.seq`: one file for all our clients.

It holds the number to use next. It is taken under `<KEY>.seq.lock`, and the
file with the following one is on disk before anybody uses it: a crash leaves a
gap, never a repetition.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from .cbor import MAX_NUMBER
from .errors import NotaryError

_LOCK_SECONDS = 2.0
_PAUSE_SECONDS = 0.01


def reserve_number(key_path: Path) -> int:
    """Take the next number of a key file. Raises ERR_SEQUENCE_FILE."""
    path = Path(f"{key_path}.seq")
    with _locked(Path(f"{path}.lock")):
        number = _read(path)
        _write(path, number + 1)
        return number


def raise_number(key_path: Path, at_least: int) -> None:
    """Go on from `at_least`, unless the file is ahead of it already.

    For a device that lost its file: field 7 of a key exchange says how far the
    key was. Raises ERR_SEQUENCE_FILE.
    """
    path = Path(f"{key_path}.seq")
    with _locked(Path(f"{path}.lock")):
        if _read(path) < at_least:
            _write(path, at_least)


def _read(path: Path) -> int:
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return 1
    except (OSError, UnicodeDecodeError) as cause:
        raise NotaryError("ERR_SEQUENCE_FILE", f"cannot read {path}") from cause
    if not text.isdigit() or int(text) >= MAX_NUMBER:
        raise NotaryError(
            "ERR_SEQUENCE_FILE", f"{path} does not hold a sequence number"
        )
    return int(text)


def _write(path: Path, number: int) -> None:
    temporary = Path(f"{path}.new")
    try:
        with open(temporary, "w", encoding="ascii") as file:
            os.chmod(temporary, 0o600)
            file.write(f"{number}\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as cause:
        raise NotaryError("ERR_SEQUENCE_FILE", f"cannot write {path}") from cause


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            break
        except FileExistsError as cause:
            if time.monotonic() > deadline:
                raise NotaryError(
                    "ERR_SEQUENCE_FILE",
                    f"{path} is held by another process; "
                    "remove it if that one crashed",
                ) from cause
            time.sleep(_PAUSE_SECONDS)
        except OSError as cause:
            raise NotaryError("ERR_SEQUENCE_FILE", f"cannot lock {path}") from cause
    try:
        os.write(file, f"{os.getpid()}\n".encode())
        os.close(file)
        yield
    finally:
        path.unlink()
