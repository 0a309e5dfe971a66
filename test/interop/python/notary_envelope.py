"""The NotaryMQ publish envelope, a second implementation in Python.

Written from the specification alone (design section 4, formats 1.1 to 1.4),
without a look at the TypeScript, so that agreement between the two means
something. It covers the attached COSE_Sign1 of a signed publish; the hop MAC,
the detached carrier and encryption are not here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Union

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

CONTEXT = "notarymq/1"
SIGN1_TAG = 18

ALG, CRIT, KID = 1, 2, 4
RECEIPTS = 394
SEQ_AND_TIME = -65537
# Labels 258 to 260 say that the payload is the hash of something else: to
# ignore them would change what the signature is taken to mean.
REFUSED_LABELS = (258, 259, 260)
UNDERSTOOD_LABELS = (ALG, KID, SEQ_AND_TIME)

ESP256, ES256 = -9, -7
P256_ORDER = int(
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16
)

KID_BYTES = 8
MAX_DEPTH = 8
MAX_NUMBER = 2**53 - 1
MAX_ENVELOPE_BYTES = 268_435_455  # the largest MQTT Remaining Length

EcKey = Union[ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey]


class EnvelopeError(ValueError):
    """An envelope, or the key beside it, was refused."""


class MalformedEnvelope(EnvelopeError):
    """The bytes are not a strictly encoded NotaryMQ envelope."""


class AlgorithmNotAllowed(EnvelopeError):
    """The algorithm is not ECDSA with P-256 and SHA-256."""


class KeyMismatch(EnvelopeError):
    """The kid is not a prefix of the given key's thumbprint."""


class SignatureInvalid(EnvelopeError):
    """The signature does not cover this topic, payload, seq and time."""


@dataclass(frozen=True)
class SignedPublish:
    """What one envelope holds; proves nothing until it was verified."""

    protected: bytes
    algorithm: int
    kid: bytes
    seq: int
    time_ms: int
    payload: bytes
    signature: bytes


# Keys


def load_private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """Load an unencrypted P-256 private key (PEM, PKCS#8)."""
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AlgorithmNotAllowed("not an elliptic curve private key")
    return _require_p256(key)


def load_public_key(pem: bytes) -> ec.EllipticCurvePublicKey:
    """Load a P-256 public key (PEM, SubjectPublicKeyInfo)."""
    key = serialization.load_pem_public_key(pem)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise AlgorithmNotAllowed("not an elliptic curve public key")
    return _require_p256(key)


def thumbprint(key: EcKey) -> bytes:
    """Return the RFC 9679 SHA-256 thumbprint, 32 bytes."""
    _require_p256(key)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        key = key.public_key()
    numbers = key.public_numbers()
    cose_key = {
        1: 2,
        -1: 1,
        -2: numbers.x.to_bytes(32, "big"),
        -3: numbers.y.to_bytes(32, "big"),
    }
    return hashlib.sha256(encode_deterministic(cose_key)).digest()


def kid_of(key: EcKey) -> bytes:
    """Return the kid that messages carry: the first 8 thumbprint bytes."""
    return thumbprint(key)[:KID_BYTES]


# The envelope


def sign_publish(
    key: ec.EllipticCurvePrivateKey,
    topic: str,
    payload: bytes,
    seq: int,
    time_ms: int,
) -> bytes:
    """Sign one publish and return the attached COSE_Sign1.

    Everything but the signature is fixed by the arguments. The signature is
    low-S, as the specification asks of those who emit one.
    """
    protected = encode_protected(kid_of(key), seq, time_ms)
    der = key.sign(
        sig_structure(protected, topic, payload), ec.ECDSA(hashes.SHA256())
    )
    r, s = decode_dss_signature(der)
    s = min(s, P256_ORDER - s)
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return encode_sign1(protected, payload, signature)


def parse_publish(envelope: bytes) -> SignedPublish:
    """Turn unknown bytes into a publish, without verifying the signature.

    Raises MalformedEnvelope or AlgorithmNotAllowed.
    """
    message = _decode_strict(envelope)
    if not isinstance(message, cbor2.CBORTag) or message.tag != SIGN1_TAG:
        raise MalformedEnvelope("not a COSE_Sign1 (tag 18)")
    sign1 = message.value
    if type(sign1) is not list or len(sign1) != 4:
        raise MalformedEnvelope("a COSE_Sign1 is an array of four")
    protected, unprotected, payload, signature = sign1
    if type(unprotected) is not dict or set(unprotected) - {RECEIPTS}:
        raise MalformedEnvelope("unprotected headers hold only receipts (394)")
    if type(payload) is not bytes:
        raise MalformedEnvelope("the payload is not attached")
    if type(signature) is not bytes or len(signature) != 64:
        raise MalformedEnvelope("the signature is not 64 bytes")
    headers = _decode_headers(protected)
    seq, time_ms = _seq_and_time(headers)
    return SignedPublish(
        protected=protected,
        algorithm=headers[ALG],
        kid=headers[KID],
        seq=seq,
        time_ms=time_ms,
        payload=payload,
        signature=signature,
    )


def verify_publish(
    public_key: ec.EllipticCurvePublicKey, topic: str, envelope: bytes
) -> SignedPublish:
    """Return the publish if `public_key` signed it for `topic`.

    Raises MalformedEnvelope, AlgorithmNotAllowed, KeyMismatch or
    SignatureInvalid. A high-S signature is accepted.
    """
    publish = parse_publish(envelope)
    if not thumbprint(public_key).startswith(publish.kid):
        raise KeyMismatch(f"kid {publish.kid.hex()} names another key")
    r = int.from_bytes(publish.signature[:32], "big")
    s = int.from_bytes(publish.signature[32:], "big")
    try:
        # Over the protected bytes as received, never over a re-encoding.
        public_key.verify(
            encode_dss_signature(r, s),
            sig_structure(publish.protected, topic, publish.payload),
            ec.ECDSA(hashes.SHA256()),
        )
    except InvalidSignature:
        raise SignatureInvalid(
            f"the signature does not hold for topic {topic!r}"
        ) from None
    return publish


def encode_protected(kid: bytes, seq: int, time_ms: int) -> bytes:
    """Return the protected headers of a signed publish."""
    for name, number in (("seq", seq), ("time", time_ms)):
        if not _is_number(number):
            raise ValueError(f"{name} must be an integer from 0 to 2^53 - 1")
    return encode_deterministic(
        {ALG: ESP256, KID: kid, SEQ_AND_TIME: [seq, time_ms]}
    )


def external_aad(topic: str) -> bytes:
    """Return what is signed but not carried: the context and the topic."""
    return encode_deterministic([CONTEXT, topic])


def sig_structure(protected: bytes, topic: str, payload: bytes) -> bytes:
    """Return the bytes that are signed (RFC 9052 section 4.4)."""
    return encode_deterministic(
        ["Signature1", protected, external_aad(topic), payload]
    )


def encode_sign1(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """Return the tagged COSE_Sign1 with empty unprotected headers."""
    body = encode_deterministic([protected, {}, payload, signature])
    return bytes([0xC0 | SIGN1_TAG]) + body


# Deterministic CBOR (RFC 8949 section 4.2.1)


def encode_deterministic(value: Any, depth: int = 1) -> bytes:
    """Encode integers, strings, null, booleans, arrays and maps.

    Map keys are sorted by their encoded bytes. The canonical mode of cbor2
    sorts shorter keys first (RFC 7049), which agrees for the labels of a
    publish but not for every label, so arrays and maps are written here.
    """
    kind = type(value)
    if kind is int and -(2**64) <= value < 2**64:
        return cbor2.dumps(value)
    if kind in (bytes, str, bool) or value is None:
        return cbor2.dumps(value, canonical=True)
    if kind not in (list, dict):
        raise MalformedEnvelope(f"{kind.__name__} has no place in an envelope")
    if depth > MAX_DEPTH:
        raise MalformedEnvelope("nested too deeply")
    if kind is list:
        items = [encode_deterministic(item, depth + 1) for item in value]
        return _head(4, len(items)) + b"".join(items)
    pairs = sorted(
        (
            encode_deterministic(key, depth + 1),
            encode_deterministic(item, depth + 1),
        )
        for key, item in value.items()
    )
    return _head(5, len(pairs)) + b"".join(key + item for key, item in pairs)


def _head(major: int, count: int) -> bytes:
    head = bytearray(cbor2.dumps(count))
    head[0] |= major << 5
    return bytes(head)


def _decode_strict(data: bytes) -> Any:
    """Decode one item; refuse it unless it is its own deterministic form.

    cbor2 is lenient: it takes longer forms, indefinite lengths, duplicate
    keys and trailing bytes. None of them survives the comparison with a
    fresh encoding. That encoding is compared and thrown away, never verified.
    """
    if len(data) > MAX_ENVELOPE_BYTES:
        raise MalformedEnvelope("larger than an MQTT packet can be")
    try:
        item = cbor2.loads(data)
    except Exception as error:
        # cbor2 builds Python objects for tags it knows (dates, patterns), and
        # lets whatever they raise on attacker-controlled bytes through.
        raise MalformedEnvelope("not CBOR") from error
    if isinstance(item, cbor2.CBORTag):
        tag, content = _head(6, item.tag), item.value
    else:
        tag, content = b"", item
    if tag + encode_deterministic(content) != data:
        raise MalformedEnvelope("not deterministic CBOR")
    return item


def _decode_headers(protected: Any) -> dict[Any, Any]:
    if type(protected) is not bytes:
        raise MalformedEnvelope("the protected headers are not a byte string")
    headers = _decode_strict(protected)
    if type(headers) is not dict:
        raise MalformedEnvelope("the protected headers are not a map")
    # In Python True == 1, so a key `true` would otherwise pass for alg.
    if any(type(label) not in (int, str) for label in headers):
        raise MalformedEnvelope("a header label is an integer or a text")
    if any(label in headers for label in REFUSED_LABELS):
        raise MalformedEnvelope("hashed payloads (258 to 260) are not allowed")
    if CRIT in headers:
        _check_critical(headers)
    if type(headers.get(ALG)) is not int:
        raise MalformedEnvelope("the protected headers hold no algorithm")
    if headers[ALG] not in (ESP256, ES256):
        raise AlgorithmNotAllowed(f"algorithm {headers[ALG]} is not allowed")
    kid = headers.get(KID)
    if type(kid) is not bytes or not KID_BYTES <= len(kid) <= 32:
        raise MalformedEnvelope("the kid is not 8 to 32 bytes")
    return headers


def _check_critical(headers: dict[Any, Any]) -> None:
    critical = headers[CRIT]
    if type(critical) is not list or not critical:
        raise MalformedEnvelope("crit is not a list of labels")
    for label in critical:
        if (
            type(label) is not int
            or label not in UNDERSTOOD_LABELS
            or label not in headers
        ):
            raise MalformedEnvelope("crit names a label not understood")


def _seq_and_time(headers: dict[Any, Any]) -> tuple[int, int]:
    pair = headers.get(SEQ_AND_TIME)
    if (
        type(pair) is not list
        or len(pair) != 2
        or not all(map(_is_number, pair))
    ):
        raise MalformedEnvelope("-65537 is not [seq, time], both below 2^53")
    return pair[0], pair[1]


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_NUMBER


def _require_p256(key: Any) -> Any:
    if not isinstance(key.curve, ec.SECP256R1):
        raise AlgorithmNotAllowed(f"curve {key.curve.name} is not P-256")
    return key
