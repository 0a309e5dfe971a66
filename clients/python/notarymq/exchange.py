"""The key exchange: ephemeral ECDH on P-256, signed by both sides."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from . import topics
from .cbor import decode, encode, is_uint, malformed
from .cose import SEQ_AND_TIME, Sign1, aad_of, make_sign1, parse_signed_by_broker
from .errors import NotaryError
from .identity import Identity
from .keys import (
    KID_BYTES,
    PrivateKey,
    PublicKey,
    agree,
    cose_key,
    hkdf,
    key_of_cose,
    new_ephemeral,
    sha256,
    thumbprint,
)

NONCE_BYTES, SID_BYTES = 16, 8
#: Longest message of an exchange.
MAX_MESSAGE_BYTES = 4096


@dataclass(frozen=True)
class Session:
    """What client and broker share when an exchange is over."""

    sid: bytes
    key: bytes
    #: Its end and now by the broker's clock, milliseconds since 1970.
    expiry_ms: int
    broker_time_ms: int
    #: Highest sequence number of this key that was accepted.
    highest_seq: int
    #: When it was agreed on, in seconds of this process's monotonic clock.
    agreed_at: float = field(default_factory=time.monotonic)

    def remaining_ms(self) -> float:
        """Return how long it lasts yet, whatever date this machine believes."""
        passed_ms = (time.monotonic() - self.agreed_at) * 1000
        return self.expiry_ms - self.broker_time_ms - passed_ms

    def __repr__(self) -> str:
        # The key is not for logs and tracebacks.
        return f"Session(sid={self.sid.hex()})"


@dataclass(frozen=True)
class PendingExchange:
    """A request that was not answered yet."""

    message: bytes
    client_id: str
    ephemeral: PrivateKey
    nonce: bytes

    def finish(self, answer: bytes, broker: PublicKey) -> Session:
        """Verify the answer and derive the session key.

        Raises ERR_BROKER_UNPROVEN.
        """
        try:
            return self._finish(answer, broker)
        except NotaryError as cause:
            raise NotaryError(
                "ERR_BROKER_UNPROVEN",
                f"the key exchange was not answered by the broker: {cause}",
            ) from cause

    def _finish(self, answer: bytes, broker: PublicKey) -> Session:
        if len(answer) > MAX_MESSAGE_BYTES:
            raise malformed("an answer that is too long")
        sign1 = parse_signed_by_broker(answer)
        payload = verified_payload(
            sign1, broker, topics.key_exchange_response(self.client_id)
        )
        fields = decode(payload)
        if not isinstance(fields, dict) or set(fields) != {1, 2, 3, 4, 5, 6, 7}:
            raise malformed("fields of the answer")
        for label, length in ((2, NONCE_BYTES), (3, SID_BYTES), (5, 32)):
            if not isinstance(fields[label], bytes) or len(fields[label]) != length:
                raise malformed(f"field {label} of the answer")
        if not all(is_uint(fields[label]) for label in (4, 6, 7)):
            raise malformed("numbers of the answer")
        if fields[5] != sha256(self.message):
            raise malformed("it answers another request")
        shared = agree(self.ephemeral, key_of_cose(fields[1]))
        info = b"notarymq/1 mac" + sha256(self.message) + sha256(answer)
        key = hkdf(shared, self.nonce + fields[2], info)
        return Session(fields[3], key, fields[4], fields[6], fields[7])


def start(
    identity: Identity, client_id: str, broker: PublicKey, seq: int, time_ms: int
) -> PendingExchange:
    """Make and sign a request; it uses up the sequence number."""
    ephemeral = new_ephemeral()
    nonce = secrets.token_bytes(NONCE_BYTES)
    payload = encode(
        {
            1: cose_key(ephemeral.public_key()),
            2: nonce,
            3: client_id,
            4: thumbprint(broker)[:KID_BYTES],
        }
    )
    headers = {SEQ_AND_TIME: [seq, time_ms]}
    aad = aad_of(topics.KEY_EXCHANGE_REQUEST)
    message = make_sign1(identity.private, headers, aad, payload, False)
    return PendingExchange(message, client_id, ephemeral, nonce)


def verified_payload(sign1: Sign1, broker: PublicKey, purpose: str) -> bytes:
    """Return what the broker signed. Raises ERR_SIGNATURE_INVALID."""
    if sign1.payload is None:
        raise malformed("no payload")
    sign1.verify(broker, aad_of(purpose), sign1.payload)
    return sign1.payload

