"""P-256 keys, their thumbprints (RFC 9679) and raw signatures."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Dict

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .cbor import encode, malformed

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ALGORITHM = ec.ECDSA(hashes.SHA256())
#: Bytes of a thumbprint that a message names a key by, at least.
KID_BYTES = 8


def sha256(*parts: bytes) -> bytes:
    """Return the hash of the concatenation."""
    return hashlib.sha256(b"".join(parts)).digest()


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int = 32) -> bytes:
    """HKDF-SHA256 (RFC 5869)."""
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def cose_key(key: PublicKey) -> Dict[int, Any]:
    """Return the COSE_Key (RFC 9052 section 7): kty, crv, x and y alone."""
    numbers = key.public_numbers()
    x, y = (n.to_bytes(32, "big") for n in (numbers.x, numbers.y))
    return {1: 2, -1: 1, -2: x, -3: y}


def key_of_cose(value: Any) -> PublicKey:
    """Read a COSE_Key. Raises NotaryError ERR_MALFORMED, also off the curve."""
    if not isinstance(value, dict) or set(value) != {1, -1, -2, -3}:
        raise malformed("not a P-256 COSE_Key")
    x, y = value[-2], value[-3]
    if (value[1], value[-1]) != (2, 1) or not (_is_32(x) and _is_32(y)):
        raise malformed("not a P-256 COSE_Key")
    try:
        return ec.EllipticCurvePublicNumbers(
            int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
        ).public_key()
    except ValueError as cause:
        raise malformed("not a point of P-256") from cause


def jwk_of(key: PublicKey) -> Dict[str, str]:
    """Return the public key as a JWK (RFC 7517)."""
    members = cose_key(key)
    x, y = base64url(members[-2]), base64url(members[-3])
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def thumbprint(key: PublicKey) -> bytes:
    """Return the 32 bytes that name a key everywhere (RFC 9679)."""
    return sha256(encode(cose_key(key)))


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Return r || s of ECDSA with SHA-256, with the lower s."""
    r, s = decode_dss_signature(key.sign(message, _ALGORITHM))
    return r.to_bytes(32, "big") + min(s, _ORDER - s).to_bytes(32, "big")


def is_signed_by(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Tell whether r || s is a signature of the message by this key."""
    if len(signature) != 64:
        return False
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
    try:
        key.verify(encode_dss_signature(r, s), message, _ALGORITHM)
    except InvalidSignature:
        return False
    return True


def agree(key: PrivateKey, peer: PublicKey) -> bytes:
    """Return x of the shared point. Raises ERR_MALFORMED when it is zero."""
    shared = key.exchange(ec.ECDH(), peer)
    if not any(shared):
        raise malformed("a shared secret of zeros")
    return shared


def new_ephemeral() -> PrivateKey:
    """Make a key for one exchange."""
    return ec.generate_private_key(ec.SECP256R1())


def base64url(data: bytes) -> str:
    """Encode without padding (RFC 4648 section 5)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Decode what `base64url` makes, and nothing else. Raises ERR_MALFORMED."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as cause:
        raise malformed("not base64url") from cause
    # The decoder of Python passes over foreign characters and unused bits.
    if base64url(data) != text:
        raise malformed("not base64url")
    return data


def _is_32(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) == 32
