"""End-to-end encryption, with cbor2 and cryptography in place of ours.

One argument, a JSON job: {"job": "seal" | "open", "key", "topic", "sender"}
for a COSE_Encrypt0 under a shared key, {"job": "seal-for" | "open-as", ...}
for a COSE_Encrypt with ECDH-ES + A256KW recipients. Bytes are hexadecimal.
Prints {"result": hex}; exit code 1 when something does not open.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

CONTEXT = "notarymq/1"
ENCRYPT0_TAG, ENCRYPT_TAG = 16, 96
ALG, KID, IV, EPHEMERAL = 1, 4, 5, -1
A128GCM, A256GCM, A256KW, ECDH_ES_A256KW = 1, 3, -5, -31
ALG_OF_LENGTH = {16: A128GCM, 32: A256GCM}
NOBODY = bytes(32)


def encode(value) -> bytes:
    """Deterministic CBOR: our map keys have one byte each."""
    return cbor2.dumps(value, canonical=True)


def hkdf(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256 without salt."""
    return HKDF(hashes.SHA256(), length, None, info).derive(secret)


def sender_key(key: bytes, sender: bytes) -> bytes:
    """Key of one sender under a shared key."""
    info = b"notarymq/1 enc" + (sender or NOBODY)
    return hkdf(key, info, len(key))


def seal_content(context: str, key: bytes, key_id: bytes, aad: bytes, plaintext):
    """Protected headers, unprotected headers, ciphertext."""
    protected = encode({ALG: ALG_OF_LENGTH[len(key)]})
    iv = os.urandom(12)
    structure = encode([context, protected, aad])
    ciphertext = AESGCM(key).encrypt(iv, plaintext, structure)
    return [protected, {KID: key_id, IV: iv}, ciphertext]


def open_content(context: str, key: bytes, parts, aad: bytes) -> bytes:
    """Inverse of seal_content."""
    protected, unprotected, ciphertext = parts
    if cbor2.loads(protected) != {ALG: ALG_OF_LENGTH[len(key)]}:
        raise ValueError("another algorithm than the key is for")
    structure = encode([context, protected, aad])
    return AESGCM(key).decrypt(unprotected[IV], ciphertext, structure)


def key_encryption_key(shared_x: bytes, protected: bytes) -> bytes:
    """RFC 9053 sections 5.2 and 6.4.1."""
    party = [None, None, None]
    return hkdf(shared_x, encode([A256KW, party, party, [256, protected]]), 32)


def cose_key(key: ec.EllipticCurvePublicKey) -> dict:
    """COSE_Key of a P-256 public key."""
    point = key.public_numbers()
    x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
    return {1: 2, -1: 1, -2: x, -3: y}


def public_key(members: dict) -> ec.EllipticCurvePublicKey:
    """Inverse of cose_key; refuses what is not on the curve."""
    x, y = (int.from_bytes(members[label], "big") for label in (-2, -3))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def kid_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """Beginning of the RFC 9679 thumbprint."""
    return hashlib.sha256(encode(cose_key(key))).digest()[:8]


def recipient_of(key: ec.EllipticCurvePublicKey, content_key: bytes) -> list:
    """The content key, wrapped for one recipient."""
    protected = encode({ALG: ECDH_ES_A256KW})
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    shared = ephemeral.exchange(ec.ECDH(), key)
    wrapped = aes_key_wrap(key_encryption_key(shared, protected), content_key)
    unprotected = {KID: kid_of(key), EPHEMERAL: cose_key(ephemeral.public_key())}
    return [protected, unprotected, wrapped]


def content_key_for(own: ec.EllipticCurvePrivateKey, recipients: list) -> bytes:
    """The content key, unwrapped by one of the recipients."""
    kid = kid_of(own.public_key())
    for protected, unprotected, wrapped in recipients:
        if unprotected[KID] == kid:
            ephemeral = public_key(unprotected[EPHEMERAL])
            shared = own.exchange(ec.ECDH(), ephemeral)
            return aes_key_unwrap(key_encryption_key(shared, protected), wrapped)
    raise ValueError("no recipient")


def run(job: dict) -> bytes:
    """Do one job."""
    aad = encode([CONTEXT, job["topic"], bytes.fromhex(job["sender"])])
    if job["job"] in ("seal", "open"):
        key = sender_key(bytes.fromhex(job["key"]), bytes.fromhex(job["sender"]))
        if job["job"] == "seal":
            plaintext = bytes.fromhex(job["plaintext"])
            key_id = bytes.fromhex(job["keyId"])
            parts = seal_content("Encrypt0", key, key_id, aad, plaintext)
            return encode(cbor2.CBORTag(ENCRYPT0_TAG, parts))
        message = cbor2.loads(bytes.fromhex(job["message"]))
        assert message.tag == ENCRYPT0_TAG
        return open_content("Encrypt0", key, message.value, aad)
    if job["job"] == "seal-for":
        content_key = os.urandom(32)
        keys = [
            public_key({-2: bytes.fromhex(x), -3: bytes.fromhex(y)})
            for x, y in job["recipients"]
        ]
        plaintext = bytes.fromhex(job["plaintext"])
        key_id = bytes.fromhex(job["keyId"])
        parts = seal_content("Encrypt", content_key, key_id, aad, plaintext)
        recipients = [recipient_of(key, content_key) for key in keys]
        return encode(cbor2.CBORTag(ENCRYPT_TAG, [*parts, recipients]))
    own = ec.derive_private_key(int(job["private"], 16), ec.SECP256R1())
    message = cbor2.loads(bytes.fromhex(job["message"]))
    assert message.tag == ENCRYPT_TAG
    *parts, recipients = message.value
    return open_content("Encrypt", content_key_for(own, recipients), parts, aad)


def main() -> int:
    """Print the result of the job."""
    try:
        result = run(json.loads(sys.argv[1]))
    except (InvalidTag, InvalidUnwrap, ValueError) as error:
        print(f"notary_encryption: {error!r}", file=sys.stderr)
        return 1
    print(json.dumps({"result": result.hex()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
