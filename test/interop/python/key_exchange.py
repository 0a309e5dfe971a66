"""The key exchange and the hop MAC, a second implementation in Python.

Other libraries than ours all the way down, but not written blind: whoever
wrote it had read the TypeScript. `start` makes a request, `Exchange.finish`
turns the answer into a session, `add_hop_mac` and `sign_detached` use it, and
`Link` speaks the frames of a `protocol notary-link` socket.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
import struct
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from notary_envelope import (
    P256_ORDER,
    encode_deterministic,
    encode_protected,
    encode_sign1,
    external_aad,
    kid_of,
    sig_structure,
    thumbprint,
)

REQUEST_TOPIC = "$notary/key-exchange/request"
RESPONSE_TOPIC = "$notary/key-exchange/response/"
MAC0_TAG, HMAC_256 = 17, 5
ZERO_MAC = bytes(32)


def response_topic(client_id: str) -> str:
    """Return where the answers to a client go."""
    # Only these and control characters are encoded; `quote` would do more.
    return RESPONSE_TOPIC + "".join(
        quote(c, safe="") if c in "%/+#" or ord(c) < 32 or 127 <= ord(c) < 160
        else c
        for c in client_id
    )


@dataclass(frozen=True)
class Session:
    """What both sides have when the exchange is over."""

    sid: bytes
    key: bytes
    expiry_ms: int
    broker_time_ms: int
    highest_seq: int


@dataclass(frozen=True)
class Exchange:
    """A request that was made and not answered yet."""

    request: bytes
    client_id: str
    ephemeral: ec.EllipticCurvePrivateKey
    nonce: bytes

    def finish(
        self, response: bytes, broker: ec.EllipticCurvePublicKey
    ) -> Session:
        """Verify the broker's answer and derive the session key."""
        protected, unprotected, payload, signature = cbor2.loads(response).value
        topic = response_topic(self.client_id)
        r, s = signature[:32], signature[32:]
        der = encode_dss_signature(
            int.from_bytes(r, "big"), int.from_bytes(s, "big")
        )
        broker.verify(
            der,
            sig_structure(protected, topic, payload),
            ec.ECDSA(hashes.SHA256()),
        )
        headers = cbor2.loads(protected)
        if set(headers) != {1, 4} or unprotected != {}:
            raise ValueError("other headers than alg and kid")
        if not thumbprint(broker).startswith(headers[4]):
            raise ValueError("another broker key")
        fields = cbor2.loads(payload)
        if fields[5] != hashlib.sha256(self.request).digest():
            raise ValueError("an answer to another request")
        shared = self.ephemeral.exchange(ec.ECDH(), public_of(fields[1]))
        info = (
            b"notarymq/1 mac"
            + fields[5]
            + hashlib.sha256(response).digest()
        )
        key = hkdf(shared, self.nonce + fields[2], info)
        return Session(fields[3], key, fields[4], fields[6], fields[7])


def start(
    key: ec.EllipticCurvePrivateKey, client_id: str, seq: int, time_ms: int
) -> Exchange:
    """Make a request and sign it."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    nonce = secrets.token_bytes(16)
    fields = {1: cose_key(ephemeral.public_key()), 2: nonce, 3: client_id}
    payload = encode_deterministic(fields)
    protected = encode_protected(kid_of(key), seq, time_ms)
    signature = sign(key, protected, REQUEST_TOPIC, payload)
    request = encode_sign1(protected, payload, signature)
    return Exchange(request, client_id, ephemeral, nonce)


def sign(
    key: ec.EllipticCurvePrivateKey, protected: bytes, topic: str, payload: bytes
) -> bytes:
    """Return r || s, low-S."""
    der = key.sign(
        sig_structure(protected, topic, payload), ec.ECDSA(hashes.SHA256())
    )
    r, s = decode_dss_signature(der)
    s = min(s, P256_ORDER - s)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def add_hop_mac(sign1: bytes, session: Session, aad: bytes) -> bytes:
    """Put a COSE_Mac0 around a COSE_Sign1."""
    protected = encode_deterministic({1: HMAC_256, 4: session.sid})
    to_mac = encode_deterministic(["MAC0", protected, aad, sign1])
    tag = hmac.digest(session.key, to_mac, "sha256")
    return bytes([0xC0 | MAC0_TAG]) + encode_deterministic(
        [protected, {}, sign1, tag]
    )


def sign_detached(
    key: ec.EllipticCurvePrivateKey,
    topic: str,
    payload: bytes,
    seq: int,
    time_ms: int,
    session: Session,
) -> str:
    """Return the value of the user property `notarymq`."""
    protected = encode_protected(kid_of(key), seq, time_ms)
    signature = sign(key, protected, topic, payload)
    sign1 = b"\xd2" + encode_deterministic([protected, {}, None, signature])
    envelope = add_hop_mac(sign1, session, payload)
    return urlsafe_b64encode(envelope).rstrip(b"=").decode()


class Link:
    """The client's end of a `protocol notary-link` socket."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=10)
        self._keys: dict[str, bytes] = {}
        self._sent = self._received = 0

    def exchange(
        self, exchange: Exchange, broker: ec.EllipticCurvePublicKey
    ) -> Session:
        """Agree on a session; frames have MACs from then on."""
        self._write(exchange.request, ZERO_MAC)
        response, mac = self._read()
        if mac != ZERO_MAC:
            raise ValueError("a MAC before there is a key")
        session = exchange.finish(response, broker)
        for label in ("c2b", "b2c"):
            info = b"notarymq/1 " + label.encode()
            self._keys[label] = hkdf(session.key, b"", info)
        return session

    def publish(self, topic: str, envelope: bytes) -> list[Any]:
        """Send one signed message; return reason code and index."""
        content = encode_deterministic([topic, envelope])
        self._write(content, self._mac("c2b", 1, self._sent, content))
        self._sent += 1
        answer, mac = self._read()
        expected = self._mac("b2c", 2, self._received, answer)
        if not hmac.compare_digest(mac, expected):
            raise ValueError("a forged frame")
        self._received += 1
        return cbor2.loads(answer)

    def close(self) -> None:
        self._socket.close()

    def _mac(self, label: str, direction: int, count: int, content: bytes):
        prefix = struct.pack(">BQ", direction, count)
        return hmac.digest(self._keys[label], prefix + content, "sha256")

    def _write(self, content: bytes, mac: bytes) -> None:
        self._socket.sendall(struct.pack(">I", len(content)) + content + mac)

    def _read(self) -> tuple[bytes, bytes]:
        (length,) = struct.unpack(">I", self._take(4))
        return self._take(length), self._take(32)

    def _take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the broker closed the link")
            data += piece
        return data


def hkdf(ikm: bytes, salt: bytes, info: bytes) -> bytes:
    """Return 32 bytes of HKDF-SHA256."""
    return HKDF(hashes.SHA256(), 32, salt, info).derive(ikm)


def cose_key(key: ec.EllipticCurvePublicKey) -> dict[int, Any]:
    """Return a P-256 COSE_Key."""
    numbers = key.public_numbers()
    return {
        1: 2,
        -1: 1,
        -2: numbers.x.to_bytes(32, "big"),
        -3: numbers.y.to_bytes(32, "big"),
    }


def public_of(key: dict[int, Any]) -> ec.EllipticCurvePublicKey:
    """Read a P-256 COSE_Key; points that are not on the curve raise."""
    x, y = (int.from_bytes(key[label], "big") for label in (-2, -3))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
