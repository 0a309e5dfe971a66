"""Verify receipts, checkpoints and .tlog-proof files.

Each argument is a job in JSON: what kind it is, and its parts in hexadecimal
and text. CBOR comes from cbor2, signatures from cryptography. It shares no
code with the TypeScript, but was written with that in sight.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    encode_dss_signature,
)

ALG, KID, CWT_CLAIMS, VDS, VDP = 1, 4, 15, 395, 396
ESP256, RFC9162_SHA256, INCLUSION, CONSISTENCY = -9, 1, -1, -2


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01", left, right)


def root_of(index: int, size: int, path: list[bytes], leaf: bytes) -> bytes:
    """RFC 9162 section 2.1.3.2, up to the comparison."""
    if index >= size:
        raise ValueError("index beyond the tree")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            raise ValueError("path too long")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ValueError("path too short")
    return r


def roots_of(
    size1: int, size2: int, path: list[bytes], first: bytes
) -> tuple[bytes, bytes]:
    """RFC 9162 section 2.1.4.2, up to the comparison; size1 < size2."""
    if size1 & (size1 - 1) == 0:
        path = [first, *path]
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            raise ValueError("path too long")
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ValueError("path too short")
    return fr, sr


def verify_sign1(
    message: bytes, kind: int, x: bytes, y: bytes, root: bytes | None, leaf: bytes
) -> dict:
    """The receipt over the root that its proof gives, or over the one given."""
    item = cbor2.loads(message)
    if item.tag != 18 or len(item.value) != 4:
        raise ValueError("not a COSE_Sign1")
    protected, unprotected, payload, signature = item.value
    headers = cbor2.loads(protected)
    if payload is not None or headers[ALG] != ESP256:
        raise ValueError("not a detached receipt with ESP256")
    if headers[VDS] != RFC9162_SHA256:
        raise ValueError("another data structure")
    thumbprint = sha256(
        cbor2.dumps({1: 2, -1: 1, -2: x, -3: y}, canonical=True)
    )
    if not thumbprint.startswith(headers[KID]):
        raise ValueError("another key")
    [proof] = unprotected[VDP][kind]
    first, second, path = cbor2.loads(proof)
    if kind == INCLUSION:
        root = root_of(second, first, path, leaf)
    tbs = cbor2.dumps(["Signature1", protected, b"", root])
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
    )
    der = encode_dss_signature(
        int.from_bytes(signature[:32], "big"),
        int.from_bytes(signature[32:], "big"),
    )
    numbers.public_key().verify(der, tbs, ec.ECDSA(hashes.SHA256()))
    claims = headers[CWT_CLAIMS]
    return {
        "numbers": [first, second],
        "path": path,
        "issuer": claims[1],
        "subject": claims[2],
        "issuedAt": claims[6],
        "root": root.hex(),
    }


def open_checkpoint(note: str, vkeys: list[str]) -> dict:
    """A checkpoint of which every line by a known key must verify."""
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    signed_by = []
    for line in lines.splitlines():
        dash, name, blob64 = line.split(" ")
        blob = base64.b64decode(blob64, validate=True)
        for vkey in vkeys:
            key_name, key_id, key64 = vkey.split("+", 2)
            typed = base64.b64decode(key64, validate=True)
            if sha256(key_name.encode(), b"\n", typed)[:4].hex() != key_id:
                raise ValueError("a key id that is not that of its key")
            if dash != "\u2014" or (name, blob[:4].hex()) != (key_name, key_id):
                continue
            message, signature = text.encode(), blob[4:]
            if typed[0] == 4:
                seconds = int.from_bytes(signature[:8], "big")
                prefix = f"cosignature/v1\ntime {seconds}\n".encode()
                message, signature = prefix + message, signature[8:]
            key = ed25519.Ed25519PublicKey.from_public_bytes(typed[1:])
            key.verify(signature, message)
            signed_by.append(name)
    if origin not in signed_by:
        raise ValueError("the log did not sign")
    root_hex = base64.b64decode(root, validate=True).hex()
    return {
        "origin": origin,
        "size": int(size),
        "root": root_hex,
        "signedBy": signed_by,
    }


def run(job: dict) -> dict:
    """What was proved."""
    if job["job"] == "checkpoint":
        return open_checkpoint(job["checkpoint"], job["vkeys"])
    leaf = bytes.fromhex(job.get("leaf", ""))
    if job["job"] == "tlog-proof":
        head, _, note = job["proof"].partition("\n\n")
        first, *rest = head.split("\n")
        index = rest[0].removeprefix("index ")
        if first != "c2sp.org/tlog-proof@v1":
            raise ValueError("not a tlog-proof")
        opened = open_checkpoint(note, job["vkeys"])
        path = [base64.b64decode(line, validate=True) for line in rest[1:]]
        root = root_of(int(index), opened["size"], path, leaf)
        if root.hex() != opened["root"]:
            raise ValueError("another root")
        return opened
    message = bytes.fromhex(job["receipt"])
    x, y = bytes.fromhex(job["x"]), bytes.fromhex(job["y"])
    if job["job"] == "inclusion":
        found = verify_sign1(message, INCLUSION, x, y, None, leaf)
    else:
        newer, older = bytes.fromhex(job["newer"]), bytes.fromhex(job["older"])
        found = verify_sign1(message, CONSISTENCY, x, y, newer, leaf)
        if roots_of(*found["numbers"], found["path"], older) != (older, newer):
            raise ValueError("not consistent")
    del found["path"]
    return found


def main() -> int:
    """Return 0, or 1 with one line on stderr when something is refused."""
    for argument in sys.argv[1:]:
        try:
            print(json.dumps(run(json.loads(argument))))
        except (InvalidSignature, ValueError, KeyError) as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
