"""Who a broker is: what it signs on request, and the key it is known by."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from . import topics
from .cbor import decode, encode, malformed
from .cose import is_kid_of, parse_signed_by_broker
from .errors import NotaryError
from .exchange import verified_payload
from .keys import (
    PublicKey,
    base64url,
    cose_key,
    from_base64url,
    key_of_cose,
    sha256,
    thumbprint,
)

NONCE_BYTES = 32
#: With a checkpoint and its cosignatures it has a few thousand bytes.
_MAX_STATEMENT_BYTES = 64 * 1024

DEFAULT_KNOWN_BROKERS = Path.home() / ".notarymq" / "known-brokers"


@dataclass(frozen=True)
class Statement:
    """What a broker says of itself in answer to one nonce."""

    #: Name of its log.
    origin: str
    #: Newest checkpoint, a signed note; None while there is none.
    checkpoint: Optional[str]
    #: SHA-256 of the certificate of this connection; None without TLS.
    certificate_sha256: Optional[bytes]
    key: PublicKey


def verify_statement(
    message: bytes,
    nonce: bytes,
    client_id: str,
    known: Optional[PublicKey],
    certificate: Optional[bytes],
) -> Statement:
    """Verify an answer to `nonce`.

    `known` is the key that the broker is known by, None at the first meeting;
    `certificate` is the one that this connection was shown (DER), None without
    TLS. Raises ERR_BROKER_UNPROVEN.
    """
    try:
        statement = _parse(message, nonce, client_id)
    except NotaryError as cause:
        raise _unproven(str(cause)) from cause
    if known is not None and thumbprint(known) != thumbprint(statement.key):
        raise _unproven("it has another key than the one it is known by")
    if certificate is not None and statement.certificate_sha256 != sha256(certificate):
        raise _unproven("this connection ends at another certificate")
    return statement


def _parse(message: bytes, nonce: bytes, client_id: str) -> Statement:
    if len(message) > _MAX_STATEMENT_BYTES:
        raise malformed("a statement that is too long")
    sign1 = parse_signed_by_broker(message)
    fields = decode(sign1.payload or b"")
    if not isinstance(fields, dict) or set(fields) != {1, 2, 3, 4, 5}:
        raise malformed("fields of the statement")
    key = key_of_cose(fields[5])
    if not is_kid_of(sign1.kid, key):
        raise malformed("kid of the statement")
    verified_payload(sign1, key, topics.identity_response(client_id))
    if fields[1] != nonce:
        raise malformed("it answers another nonce")
    origin, checkpoint, certificate = fields[2], fields[3], fields[4]
    if not isinstance(origin, str) or not isinstance(checkpoint, (str, type(None))):
        raise malformed("origin or checkpoint of the statement")
    if not isinstance(certificate, (bytes, type(None))):
        raise malformed("certificate of the statement")
    return Statement(origin, checkpoint, certificate, key)


class KnownBrokers:
    """The file of brokers that were met: one for all our clients.

    A line is `HOST:PORT`, a space and the broker's COSE_Key in base64url.
    """

    def __init__(self, path: Path = DEFAULT_KNOWN_BROKERS) -> None:
        self._path = Path(path)

    def find(self, name: str) -> Optional[PublicKey]:
        """Return the key of `HOST:PORT`; None when nobody met it yet."""
        try:
            lines = self._path.read_text("utf-8").split("\n")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as cause:
            raise self._unusable("cannot be read") from cause
        for number, line in enumerate(lines, 1):
            if line.strip() == "" or line.startswith("#"):
                continue
            words = line.split(" ")
            if len(words) != 2:
                raise self._unusable(f"line {number} is no broker and its key")
            if words[0] != name:
                continue
            try:
                return key_of_cose(decode(from_base64url(words[1])))
            except NotaryError as cause:
                raise self._unusable(f"line {number}: {cause}") from cause
        return None

    def remember(self, name: str, key: PublicKey) -> None:
        """Add a broker that was not known."""
        line = f"{name} {base64url(encode(cose_key(key)))}\n"
        try:
            self._path.parent.mkdir(0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            with os.fdopen(os.open(self._path, flags, 0o600), "a") as file:
                file.write(line)
        except OSError as cause:
            raise self._unusable("cannot be written") from cause

    def _unusable(self, why: str) -> NotaryError:
        return NotaryError("ERR_KNOWN_BROKERS", f"{self._path}: {why}")


def _unproven(why: str) -> NotaryError:
    return NotaryError(
        "ERR_BROKER_UNPROVEN", f"the broker did not prove who it is: {why}"
    )
