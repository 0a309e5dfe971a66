"""Signed publishes: COSE_Sign1, attached or detached, with or without MAC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional

from .cbor import is_uint, malformed
from .cose import (
    CRIT,
    NO_AAD,
    RECEIPTS,
    SEQ_AND_TIME,
    Sign1,
    aad_of,
    add_mac,
    make_sign1,
    parse_sign1,
)
from .errors import NotaryError
from .exchange import Session
from .identity import Identity
from .keyring import Keyring
from .keys import base64url, from_base64url, thumbprint

#: The MQTT 5 user property of the detached carrier.
PROPERTY = "notarymq"
#: They say that the payload is the hash of something else.
_PAYLOAD_HASH_LABELS = frozenset((258, 259, 260))


@dataclass(frozen=True)
class Verified:
    """What a signature of a known key covers, beside topic and payload."""

    #: Name of the key in the keyring.
    subject: str
    #: Thumbprint, base64url.
    kid: str
    seq: int
    #: The publisher's clock, milliseconds since 1970.
    time_ms: int


@dataclass(frozen=True)
class Envelope:
    """An envelope as it came; nothing of it is verified."""

    sign1: Sign1
    payload: bytes
    seq: int
    time_ms: int


def sign_attached(
    identity: Identity,
    topic: str,
    payload: bytes,
    seq: int,
    time_ms: int,
    session: Optional[Session] = None,
) -> bytes:
    """Return the MQTT payload of a signed publish."""
    sign1 = _sign(identity, topic, payload, [seq, time_ms], False)
    return sign1 if session is None else add_mac(session.sid, session.key, sign1, NO_AAD)


def sign_detached(
    identity: Identity,
    topic: str,
    payload: bytes,
    seq: int,
    time_ms: int,
    session: Optional[Session] = None,
) -> str:
    """Return the user property `notarymq` for a payload that stays as it is."""
    sign1 = _sign(identity, topic, payload, [seq, time_ms], True)
    if session is not None:
        sign1 = add_mac(session.sid, session.key, sign1, payload)
    return base64url(sign1)


def parse_attached(message: bytes) -> Optional[Envelope]:
    """Read the envelope that a payload is; None for any other payload."""
    # Tag 18 in its only form: other payloads are not even looked at.
    if message[:1] != b"\xd2":
        return None
    try:
        sign1 = parse_sign1(message)
        if sign1.payload is None:
            return None
        return _envelope(sign1, sign1.payload)
    except NotaryError:
        return None


def parse_detached(value: str, payload: bytes) -> Envelope:
    """Read the user property beside a payload. Raises ERR_MALFORMED."""
    sign1 = parse_sign1(from_base64url(value))
    if sign1.payload is not None:
        raise malformed("a detached envelope with a payload of its own")
    return _envelope(sign1, payload)


def verify(envelope: Envelope, topic: str, keyring: Keyring) -> Verified:
    """Verify that a key of the keyring signed this topic and payload.

    Raises ERR_UNKNOWN_KEY, ERR_SIGNATURE_INVALID.
    """
    found = keyring.find(envelope.sign1.kid)
    if found is None:
        raise NotaryError("ERR_UNKNOWN_KEY", "no key of the keyring has this kid")
    subject, key = found
    envelope.sign1.verify(key, aad_of(topic), envelope.payload)
    return Verified(
        subject, base64url(thumbprint(key)), envelope.seq, envelope.time_ms
    )


def proof_of_possession(identity: Identity, origin: str) -> bytes:
    """Sign the name of a log, to be enrolled there."""
    aad = aad_of("$notary/enroll")
    return make_sign1(identity.private, {}, aad, origin.encode(), False)


def _sign(
    identity: Identity, topic: str, payload: bytes, mark: List[int], detached: bool
) -> bytes:
    headers = {SEQ_AND_TIME: mark}
    return make_sign1(identity.private, headers, aad_of(topic), payload, detached)


def _envelope(sign1: Sign1, payload: bytes) -> Envelope:
    mark = sign1.headers.get(SEQ_AND_TIME)
    if not isinstance(mark, list) or len(mark) != 2 or not all(map(is_uint, mark)):
        raise malformed("header -65537")
    if CRIT in sign1.headers and sign1.headers[CRIT] != [SEQ_AND_TIME]:
        raise malformed("a critical header that is not understood")
    if _PAYLOAD_HASH_LABELS & sign1.headers.keys():
        raise malformed("a payload that is the hash of another")
    if sign1.unprotected and not _are_receipts(sign1.unprotected):
        raise malformed("unprotected headers")
    return Envelope(sign1, payload, mark[0], mark[1])


def _are_receipts(headers: dict) -> bool:
    receipts = headers.get(RECEIPTS)
    return (
        len(headers) == 1
        and isinstance(receipts, list)
        and len(receipts) > 0
        and all(isinstance(receipt, bytes) for receipt in receipts)
    )
