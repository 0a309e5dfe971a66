"""Verify an export with nothing but the verifier key of its log.

Arguments: the directory, and a verifier key (C2SP signed-note). Needs
hashlib, cryptography and cbor2, and shares no code with the TypeScript.
Checks the checkpoint's signature, every leaf, every tile, the root, every
record against its leaf, every body against its record, and the signatures
and links of the blocks under the broker key that the genesis record names.
Key rotations, registry and publishers' signatures are left to others.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import sys
from collections.abc import Iterator

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    encode_dss_signature,
)

WIDTH = 256


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def open_checkpoint(note: str, vkey: str) -> tuple[str, int, bytes]:
    name, key_id, key = vkey.split("+", 2)
    public = base64.b64decode(key)[1:]
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    for line in signatures.splitlines():
        _, signer, blob = line.split(" ")
        raw = base64.b64decode(blob)
        if signer == name and raw[:4].hex() == key_id:
            verifier = ed25519.Ed25519PublicKey.from_public_bytes(public)
            verifier.verify(raw[4:], text.encode())
            origin, size, root = text.splitlines()[:3]
            if origin != name:
                raise ValueError("another log")
            return origin, int(size), base64.b64decode(root)
    raise ValueError("the log did not sign the checkpoint")


def number(index: int, width: int) -> str:
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return path if width == WIDTH else f"{path}.p/{width}"


def read(directory: str, *path: str) -> bytes:
    with open(os.path.join(directory, *path), "rb") as file:
        return file.read()


def items(bundle: bytes, form: str) -> Iterator[bytes]:
    at = 0
    while at < len(bundle):
        (length,) = struct.unpack_from(form, bundle, at)
        at += struct.calcsize(form)
        if at + length > len(bundle):
            raise ValueError("ends inside of an item")
        yield bundle[at : at + length]
        at += length


def check_tiles(directory: str, level: int, row: list[bytes]) -> None:
    """Compares one level of tiles with its hashes, and the ones above."""
    if not row:
        return
    above = []
    for at in range(0, len(row), WIDTH):
        tile = row[at : at + WIDTH]
        path = number(at // WIDTH, len(tile))
        if read(directory, "tile", str(level), path) != b"".join(tile):
            raise ValueError(f"tile/{level}/{path}")
        if len(tile) == WIDTH:
            above.append(root_of(tile))
    check_tiles(directory, level + 1, above)


def root_of(row: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1."""
    if len(row) == 1:
        return row[0]
    split = 1
    while split * 2 < len(row):
        split *= 2
    return sha256(b"\x01", root_of(row[:split]), root_of(row[split:]))


def check_header(signed: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    protected, _, payload, signature = cbor2.loads(signed).value
    aad = cbor2.dumps(["notarymq/1", "block"])
    message = cbor2.dumps(["Signature1", protected, aad, payload])
    r, s = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    return payload


def verify(directory: str, vkey: str) -> dict[str, object]:
    note = read(directory, "checkpoint").decode()
    origin, size, root = open_checkpoint(note, vkey)
    row: list[bytes] = []
    headers: list[tuple[int, bytes]] = []
    bodies = 0
    genesis = None
    for index in range(-(-size // WIDTH)):
        path = number(index, min(WIDTH, size - index * WIDTH))
        leaves = list(items(read(directory, "tile/entries", path), ">H"))
        records = list(items(read(directory, "records", path), ">I"))
        if len(leaves) != len(records):
            raise ValueError(f"records/{path}")
        for signed in items(read(directory, "headers", path), ">H"):
            headers.append((index, signed))
        for leaf, item in zip(leaves, records):
            salt, record, body = cbor2.loads(item)
            _, time_ms, commitment = cbor2.loads(leaf)
            if sha256(salt, record) != commitment:
                raise ValueError(f"record {len(row)}")
            fields = cbor2.loads(record)
            if fields[2] != time_ms:
                raise ValueError(f"time of record {len(row)}")
            if body is not None:
                bodies += 1
                if sha256(body) != fields[10]:
                    raise ValueError(f"body of record {len(row)}")
            genesis = genesis or fields
            row.append(sha256(b"\x00", leaf))
    if len(row) != size or root_of(row) != root:
        raise ValueError("the leaves do not lead to the checkpoint")
    check_tiles(directory, 0, row)
    if genesis is None or genesis[21][2] != origin:
        raise ValueError("the genesis record names another log")
    if genesis[21][4][-2] != base64.b64decode(vkey.split("+", 2)[2])[1:]:
        raise ValueError("the genesis record names another log key")
    x, y = (int.from_bytes(genesis[21][3][label]) for label in (-2, -3))
    broker = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    previous, first = bytes(32), 0
    for height, (index, signed) in enumerate(headers):
        payload = check_header(signed, broker)
        header = cbor2.loads(payload)
        expected = [height, previous, first]
        after = first + header[3]
        if header[:3] != expected or header[5] != after:
            raise ValueError(f"header {height}")
        if first // WIDTH != index or header[6] != root_of(row[:after]):
            raise ValueError(f"header {height}")
        previous, first = sha256(payload), after
    if first != size:
        raise ValueError("the headers end elsewhere")
    return {"size": size, "blocks": len(headers), "bodies": bodies}


if __name__ == "__main__":
    print(json.dumps(verify(sys.argv[1], sys.argv[2])))
