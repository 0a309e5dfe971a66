"""The sequence number of a key, in `<KEY>.seq`: one file for all our clients.

It holds the number to use next. It is taken under `<KEY>.seq.lock`, and the
file with the following one is on disk before anybody uses it: a crash leaves a
gap, never a repetition.
"""

from __future__ import annotations

import os
import platform
import secrets
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from .cbor import MAX_NUMBER
from .errors import NotaryError

_LOCK_SECONDS = 5.0
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
        _sync_directory(path.parent)
    except OSError as cause:
        raise NotaryError("ERR_SEQUENCE_FILE", f"cannot write {path}") from cause


def _sync_directory(path: Path) -> None:
    """Bring the new name to the disk: a power loss must not bring the old file back."""
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            _create_lock(path)
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
        yield
    finally:
        path.unlink()


def _create_lock(path: Path) -> None:
    """Make the lock with its content in one step.

    The content is that of the other clients: host, process, when that began,
    and a nonce; they remove the lock of a process that is gone.
    """
    nonce = secrets.token_urlsafe(12)
    temporary = Path(f"{path}.{nonce}.new")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "w") as lock:
            lock.write(f"{platform.node()} {os.getpid()} {_start()} {nonce}\n")
            lock.flush()
            os.fsync(lock.fileno())
        os.link(temporary, path)
    finally:
        temporary.unlink()


def _start() -> str:
    """When this process began, as `/proc` says it; `-` where there is none."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        stat = Path("/proc/self/stat").read_text()
    except FileNotFoundError:
        return "-"
    # The name, in parentheses, may hold spaces; field 22 is the 20th after it.
    return f"{boot}/{stat.rpartition(') ')[2].split()[19]}"
