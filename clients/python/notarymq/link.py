"""The client's end of a `protocol notary-link` socket.

Key exchange first, then signed messages in frames whose MAC covers direction,
count and content: none can be dropped, repeated, moved or sent back unnoticed.
"""

from __future__ import annotations

import hmac
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import Optional, Tuple

from .cbor import decode, encode, malformed
from .clock import now_ms
from .envelope import sign_attached
from .errors import NotaryError
from .exchange import MAX_MESSAGE_BYTES, Session, start
from .identity import Identity
from .keys import PublicKey, hkdf

#: In place of a MAC while there is no key.
_NO_MAC = bytes(32)


@dataclass(frozen=True)
class LinkAnswer:
    """What became of one message."""

    #: As in a PUBACK of MQTT 5: 0 recorded, 0x87 not authorized.
    reason_code: int
    #: Of its record; None when there is none, or it was there before.
    index: Optional[int]


class NotaryLink:
    """A link whose key exchange is over."""

    def __init__(
        self, connection: socket.socket, identity: Identity, session: Session
    ) -> None:
        self._socket = connection
        self._identity = identity
        self._outgoing = _Direction(session, 1, "c2b")
        self._incoming = _Direction(session, 2, "b2c")
        #: Also good for MACs over MQTT, under the same client id.
        self.session = session

    @staticmethod
    def over(
        connection: socket.socket,
        identity: Identity,
        client_id: str,
        broker: PublicKey,
    ) -> "NotaryLink":
        """Agree on a session key over a connected socket, plain or TLS.

        Raises ERR_CONNECTION, ERR_BROKER_UNPROVEN, ERR_SEQUENCE_FILE.
        """
        seq = identity.reserve_number()
        pending = start(identity, client_id, broker, seq, now_ms())
        _write(connection, pending.message, _NO_MAC)
        answer, mac = _read(connection)
        if mac != _NO_MAC:
            raise NotaryError("ERR_BROKER_UNPROVEN", "a MAC before there is a key")
        return NotaryLink(connection, identity, pending.finish(answer, broker))

    def publish(self, topic: str, payload: bytes) -> LinkAnswer:
        """Sign one message, add both MACs, and wait for the answer.

        Raises ERR_CONNECTION, ERR_MAC_INVALID, ERR_SEQUENCE_FILE.
        """
        seq = self._identity.reserve_number()
        envelope = sign_attached(
            self._identity, topic, payload, seq, now_ms(), self.session
        )
        return self.send(topic, envelope)

    def send(self, topic: str, envelope: bytes) -> LinkAnswer:
        """Send an envelope that was made before, as after a broken link."""
        content = encode([topic, envelope])
        _write(self._socket, content, self._outgoing.next_mac(content))
        answer, mac = _read(self._socket)
        if not hmac.compare_digest(mac, self._incoming.next_mac(answer)):
            self.close()
            raise NotaryError("ERR_MAC_INVALID", "a frame that is not the broker's")
        fields = decode(answer)
        if not isinstance(fields, list) or len(fields) != 2:
            raise malformed("an answer on the link")
        return LinkAnswer(fields[0], fields[1])

    def close(self) -> None:
        """End the link; the session lives on until it expires."""
        self._socket.close()


def connect_socket(
    host: str, port: int, tls: Optional[ssl.SSLContext] = None, timeout: float = 10.0
) -> socket.socket:
    """Connect to a listener of links. Raises ERR_CONNECTION."""
    try:
        connection = socket.create_connection((host, port), timeout)
        if tls is None:
            return connection
        return tls.wrap_socket(connection, server_hostname=host)
    except OSError as cause:
        raise NotaryError(
            "ERR_CONNECTION", f"cannot connect to {host}:{port}: {cause}"
        ) from cause


class _Direction:
    """MACs of one direction, which counts its own frames."""

    def __init__(self, session: Session, byte: int, label: str) -> None:
        self._key = hkdf(session.key, b"", f"notarymq/1 {label}".encode())
        self._byte = byte
        self._count = 0

    def next_mac(self, content: bytes) -> bytes:
        prefix = struct.pack(">BQ", self._byte, self._count)
        self._count += 1
        return hmac.digest(self._key, prefix + content, "sha256")


def _write(connection: socket.socket, content: bytes, mac: bytes) -> None:
    try:
        connection.sendall(struct.pack(">I", len(content)) + content + mac)
    except OSError as cause:
        raise _ended(cause) from cause


def _read(connection: socket.socket) -> Tuple[bytes, bytes]:
    (length,) = struct.unpack(">I", _take(connection, 4))
    # No answer is longer than that of the exchange.
    if length > MAX_MESSAGE_BYTES:
        raise malformed("a frame that is too long")
    return _take(connection, length), _take(connection, len(_NO_MAC))


def _take(connection: socket.socket, count: int) -> bytes:
    taken = b""
    while len(taken) < count:
        try:
            piece = connection.recv(count - len(taken))
        except OSError as cause:
            raise _ended(cause) from cause
        if not piece:
            raise _ended("the broker closed it, as it does when it refuses")
        taken += piece
    return taken


def _ended(why: object) -> NotaryError:
    return NotaryError("ERR_CONNECTION", f"the link ended: {why}")
