"""Receipts (RFC 9942): that a record is in the log, whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Optional

from .cbor import decode, is_uint, malformed
from .cose import NO_AAD, Sign1, parse_sign1
from .errors import NotaryError
from .keys import PublicKey, from_base64url, sha256
from .merkle import leaf_hash, leaf_of, root_of_path

_CLAIMS, _VDS, _VDP = 15, 395, 396
_RFC9162_SHA256 = 1
_INCLUSION = -1
_MAX_PATH = 64
_MAX_BYTES = 64 * 1024
#: Of a size below 2^53, in decimal.
_MAX_DIGITS = 16


@dataclass(frozen=True)
class Proved:
    """What a receipt proves."""

    origin: str
    index: int
    tree_size: int
    topic: str
    #: SHA-256 of the application payload.
    payload_sha256: bytes
    #: Thumbprint and number of the signer; None for unsigned publishes.
    thumbprint: Optional[bytes]
    seq: Optional[int]


def verify_receipt(receipt: Dict[str, Any], broker: PublicKey) -> Proved:
    """Verify what `$notary/audit/receipt/<client id>` brings, parsed as JSON.

    The leaf is made from record and salt, never taken as given, and size and
    index are those that the signature covers. Raises ERR_RECEIPT_INVALID.
    """
    try:
        return _verify(receipt, broker)
    except (NotaryError, KeyError, TypeError, AttributeError) as cause:
        raise NotaryError(
            "ERR_RECEIPT_INVALID", f"the receipt proves nothing: {cause}"
        ) from cause


def _verify(receipt: Dict[str, Any], broker: PublicKey) -> Proved:
    record, salt = from_base64url(receipt["record"]), from_base64url(receipt["salt"])
    fields = decode(record)
    if not isinstance(fields, dict):
        raise malformed("a record that is no map")
    hashed = leaf_hash(leaf_of(fields[2], salt, record))
    message = from_base64url(receipt["receipt"])
    if len(message) > _MAX_BYTES:
        raise malformed("a receipt that is too long")
    sign1 = parse_sign1(message)
    origin, signed_size = _claims(sign1)
    size, index, path = _proof(sign1)
    # One path leads to the same root for other sizes and indexes too.
    if size != signed_size or index != receipt["index"]:
        raise malformed("a proof for another tree or index than the signed one")
    sign1.verify(broker, NO_AAD, root_of_path(index, size, path, hashed))
    return Proved(
        origin, index, size, fields[3], fields[10], fields.get(13), fields.get(14)
    )


def is_for(proved: Proved, topic: str, payload: bytes, seq: Optional[int]) -> bool:
    """Tell whether it is the receipt of this publish."""
    digest = sha256(payload)
    return (proved.topic, proved.payload_sha256, proved.seq) == (topic, digest, seq)


def _claims(sign1: Sign1) -> tuple:
    if sign1.payload is not None or set(sign1.headers) != {1, 4, _CLAIMS, _VDS}:
        raise malformed("headers of a receipt")
    claims = sign1.headers[_CLAIMS]
    if sign1.headers[_VDS] != _RFC9162_SHA256 or not isinstance(claims, dict):
        raise malformed("headers of a receipt")
    origin, subject = claims.get(1), claims.get(2)
    if not isinstance(origin, str) or not isinstance(subject, str):
        raise malformed("claims of a receipt")
    prefix, _, size = subject.partition("/")
    if prefix != "tree" or not size.isdecimal() or len(size) > _MAX_DIGITS:
        raise malformed("subject of a receipt")
    # Digits of other scripts are not what was signed.
    if str(int(size)) != size:
        raise malformed("subject of a receipt")
    return origin, int(size)


def _proof(sign1: Sign1) -> tuple:
    proofs = sign1.unprotected.get(_VDP)
    if len(sign1.unprotected) != 1 or not isinstance(proofs, dict):
        raise malformed("proofs of a receipt")
    encoded = proofs.get(_INCLUSION)
    if len(proofs) != 1 or not isinstance(encoded, list) or len(encoded) != 1:
        raise malformed("proofs of a receipt")
    if not isinstance(encoded[0], bytes):
        raise malformed("proofs of a receipt")
    proof = decode(encoded[0])
    if not isinstance(proof, list) or len(proof) != 3:
        raise malformed("proof of a receipt")
    size, index, path = proof
    if not is_uint(size) or not is_uint(index) or not isinstance(path, list):
        raise malformed("proof of a receipt")
    are_hashes = all(isinstance(node, bytes) and len(node) == 32 for node in path)
    if not are_hashes or not 0 < len(path) <= _MAX_PATH:
        raise malformed("path of a receipt")
    return size, index, path
