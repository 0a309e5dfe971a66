"""COSE_Sign1 and COSE_Mac0 (RFC 9052) as NotaryMQ uses them."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any, Dict, Optional

from .cbor import CBORTag, decode, encode, malformed
from .errors import NotaryError
from .keys import KID_BYTES, PrivateKey, PublicKey, is_signed_by, sign, thumbprint

SIGN1, MAC0, ENCRYPT0, ENCRYPT = 18, 17, 16, 96
ALG, CRIT, KID, IV = 1, 2, 4, 5
RECEIPTS = 394
#: Ours: `[sequence number, milliseconds since 1970]`.
SEQ_AND_TIME = -65537
ESP256, ES256, HMAC_256 = -9, -7, 5
NO_AAD = b""


def aad_of(purpose: str) -> bytes:
    """Return what binds a signature to a topic or to another purpose."""
    return encode(["notarymq/1", purpose])


@dataclass(frozen=True)
class Sign1:
    """A COSE_Sign1 as it came; nothing of it is verified."""

    protected: bytes
    headers: Dict[Any, Any]
    unprotected: Dict[Any, Any]
    #: None when it is detached.
    payload: Optional[bytes]
    signature: bytes

    @property
    def kid(self) -> bytes:
        """Return the beginning of the signer's thumbprint."""
        return self.headers[KID]

    def verify(self, key: PublicKey, aad: bytes, payload: bytes) -> None:
        """Raise ERR_SIGNATURE_INVALID unless this key signed it."""
        # The key decides on the algorithm: ESP256, or ES256 as the same one.
        fits = self.headers.get(ALG) in (ESP256, ES256)
        signed = to_be_signed(self.protected, aad, payload)
        if not fits or not is_kid_of(self.kid, key) or not is_signed_by(
            key, self.signature, signed
        ):
            raise NotaryError(
                "ERR_SIGNATURE_INVALID", "the signature is not by this key for this"
            )


def to_be_signed(protected: bytes, aad: bytes, payload: bytes) -> bytes:
    """Return the Sig_structure (RFC 9052 section 4.4)."""
    return encode(["Signature1", protected, aad, payload])


def is_kid_of(kid: bytes, key: PublicKey) -> bool:
    """Tell whether a kid is the beginning of a key's thumbprint."""
    return thumbprint(key).startswith(kid)


def make_sign1(
    key: PrivateKey, headers: Dict[Any, Any], aad: bytes, payload: bytes, detached: bool
) -> bytes:
    """Sign, and return the tagged COSE_Sign1 with or without its payload."""
    protected = encode({ALG: ESP256, KID: thumbprint(key.public_key())[:KID_BYTES], **headers})
    signature = sign(key, to_be_signed(protected, aad, payload))
    carried = None if detached else payload
    return encode(CBORTag(SIGN1, [protected, {}, carried, signature]))


def parse_sign1(message: bytes) -> Sign1:
    """Read a COSE_Sign1 strictly. Raises ERR_MALFORMED."""
    protected, unprotected, payload, signature = _parts(message, SIGN1, 4)
    if not isinstance(protected, bytes) or not isinstance(unprotected, dict):
        raise malformed("headers of a COSE_Sign1")
    if not (payload is None or isinstance(payload, bytes)):
        raise malformed("payload of a COSE_Sign1")
    if not isinstance(signature, bytes) or len(signature) != 64:
        raise malformed("signature of a COSE_Sign1")
    headers = decode(protected)
    if not isinstance(headers, dict) or not _is_kid(headers.get(KID)):
        raise malformed("protected headers of a COSE_Sign1")
    return Sign1(protected, headers, unprotected, payload, signature)


def parse_signed_by_broker(message: bytes) -> Sign1:
    """Read what a broker signs: alg and kid, a payload, nothing else."""
    sign1 = parse_sign1(message)
    if set(sign1.headers) != {ALG, KID} or sign1.unprotected or sign1.payload is None:
        raise malformed("not in the form of what a broker signs")
    return sign1


def add_mac(sid: bytes, key: bytes, sign1: bytes, aad: bytes) -> bytes:
    """Put a COSE_Mac0 around a COSE_Sign1: HMAC 256/256 by a session."""
    protected = encode({ALG: HMAC_256, KID: sid})
    tag = hmac.digest(key, encode(["MAC0", protected, aad, sign1]), "sha256")
    return encode(CBORTag(MAC0, [protected, {}, sign1, tag]))


def _parts(message: bytes, tag: int, count: int) -> list:
    value = decode(message)
    is_tagged = isinstance(value, CBORTag) and value.tag == tag
    if not is_tagged or not isinstance(value.value, list) or len(value.value) != count:
        raise malformed("another structure of COSE")
    return value.value


def _is_kid(value: Any) -> bool:
    return isinstance(value, bytes) and KID_BYTES <= len(value) <= 32


def parse_encrypt0(message: bytes) -> list:
    """Return protected, unprotected and ciphertext. Raises ERR_MALFORMED."""
    return _parts(message, ENCRYPT0, 3)


def parse_encrypt(message: bytes) -> list:
    """Return the same and the recipients. Raises ERR_MALFORMED."""
    return _parts(message, ENCRYPT, 4)
