"""A client that signs what it publishes and verifies what it receives."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Deque, Dict, Optional

from . import topics
from .broker_identity import NONCE_BYTES, KnownBrokers, Statement, verify_statement
from .clock import now_ms
from .connection import Connection, RawMessage, Refusal, Settings
from .encryption import PreSharedKeys, is_encrypted
from .envelope import (
    Envelope,
    Verified,
    parse_attached,
    parse_detached,
    sign_attached,
    sign_detached,
    verify,
)
from .errors import NotaryError
from .exchange import Session, start
from .identity import Identity
from .json_text import json_object
from .keyring import Keyring
from .keys import PublicKey, from_base64url
from .sequence import raise_number

#: A session is not used in its last minute.
_RENEW_MS = 60_000


@dataclass(frozen=True)
class Message:
    """A message as its publisher meant it: without envelope, decrypted."""

    topic: str
    #: Empty when it did not decrypt.
    payload: bytes
    #: Who signed exactly this topic and payload; None: see `unverified`.
    verified: Optional[Verified]
    #: Why not: unsigned, unknown-key, signature-invalid or malformed.
    unverified: Optional[str]
    encrypted: bool
    #: Why it did not decrypt: no-key or not-authentic.
    undecrypted: Optional[str]
    qos: int
    retain: bool


@dataclass(frozen=True)
class Sent:
    """What was published."""

    topic: str
    #: None when it was not signed.
    seq: Optional[int]
    time_ms: Optional[int]


class Client:
    """MQTT with envelopes; the options of `publish` say which.

    A context manager: connects on entering, disconnects on leaving.
    """

    def __init__(
        self,
        settings: Settings,
        identity: Optional[Identity] = None,
        keyring: Optional[Keyring] = None,
        encryption: Optional[PreSharedKeys] = None,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._keyring = keyring if keyring is not None else Keyring()
        self._encryption = encryption
        self._broker: Optional[PublicKey] = None
        self._session: Optional[Session] = None
        self.connection = Connection(settings)

    def __enter__(self) -> "Client":
        self.connection.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    @property
    def client_id(self) -> str:
        """Return the client id, given or made up."""
        return self.connection.client_id

    @property
    def refusals(self) -> Deque[Refusal]:
        """Return what the broker refused so far, of any QoS."""
        return self.connection.refusals

    def prove_broker(
        self,
        pinned: Optional[PublicKey] = None,
        known_brokers: Optional[KnownBrokers] = None,
    ) -> Statement:
        """Ask the broker who it is, and hold the answer against what is known.

        Without a pinned key, the one it is known by; at the first meeting the
        one it shows is remembered. Raises ERR_BROKER_UNPROVEN.
        """
        known_brokers = known_brokers if known_brokers is not None else KnownBrokers()
        name = f"{self._settings.host}:{self._settings.port}"
        known = pinned if pinned is not None else known_brokers.find(name)
        nonce = secrets.token_bytes(NONCE_BYTES)
        answer = self.connection.ask(
            topics.IDENTITY_REQUEST, topics.identity_response(self.client_id), nonce
        )
        certificate = self.connection.certificate
        statement = verify_statement(answer, nonce, self.client_id, known, certificate)
        if known is None:
            known_brokers.remember(name, statement.key)
        self._broker = statement.key
        return statement

    def exchange(self) -> Session:
        """Agree on a session key for MACs, over MQTT topics.

        Needs `prove_broker` before. Raises ERR_BROKER_UNPROVEN, ERR_REFUSED.
        """
        identity = self._signer()
        if self._broker is None:
            raise NotaryError("ERR_USAGE", "the broker has to prove who it is first")
        seq = identity.reserve_number()
        pending = start(identity, self.client_id, self._broker, seq, now_ms())
        answer = self.connection.ask(
            topics.KEY_EXCHANGE_REQUEST,
            topics.key_exchange_response(self.client_id),
            pending.message,
        )
        self._session = pending.finish(answer, self._broker)
        # Somebody who lost the file of numbers goes on where the key was.
        raise_number(identity.path, self._session.highest_seq + 1)
        return self._session

    def use_session(self, session: Session) -> None:
        """Take the session of a link that was opened under this client id."""
        self._session = session

    def publish(
        self,
        topic: str,
        payload: bytes,
        qos: int = 1,
        retain: bool = False,
        mac: bool = False,
        detached: bool = False,
        encrypt_with: Optional[str] = None,
    ) -> Sent:
        """Publish, signed when the client has an identity.

        `mac` puts a hop MAC around the signature, `detached` (MQTT 5) leaves
        the payload as it is, `encrypt_with` names a pre-shared key. Raises
        ERR_REFUSED with the broker's cause, ERR_NO_ENCRYPTION_KEY and more.
        """
        if encrypt_with is not None:
            payload = self._seal(encrypt_with, topic, payload)
        if self._identity is None:
            if mac or detached:
                raise NotaryError("ERR_USAGE", "MACs and detached need an identity")
            self.connection.publish(topic, payload, qos, retain)
            return Sent(topic, None, None)
        if detached and self._settings.protocol != 5:
            raise NotaryError("ERR_USAGE", "detached needs MQTT 5")
        session = self._live_session() if mac else None
        seq, time_ms = self._identity.reserve_number(), now_ms()
        signed = (self._identity, topic, payload, seq, time_ms, session)
        if detached:
            envelope = sign_detached(*signed)
            self.connection.publish(topic, payload, qos, retain, envelope)
        else:
            self.connection.publish(topic, sign_attached(*signed), qos, retain)
        return Sent(topic, seq, time_ms)

    def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """Subscribe; messages come from `receive`."""
        self.connection.subscribe(topic_filter, qos)

    def receive(self, seconds: Optional[float] = None) -> Message:
        """Wait for the next message and verify it. Raises ERR_TIMEOUT."""
        return self._opened(self.connection.next_message(seconds))

    def receive_receipt(self, seconds: Optional[float] = None) -> Dict[str, Any]:
        """Wait for the next message of `topics.OWN_RECEIPTS`, as JSON."""
        return json_object(self.connection.next_message(seconds).payload)

    def _signer(self) -> Identity:
        if self._identity is None:
            raise NotaryError("ERR_USAGE", "an identity is needed")
        return self._identity

    def _live_session(self) -> Session:
        if self._session is None or self._session.remaining_ms() < _RENEW_MS:
            return self.exchange()
        return self._session

    def _seal(self, name: str, topic: str, payload: bytes) -> bytes:
        if self._encryption is None:
            raise NotaryError("ERR_NO_ENCRYPTION_KEY", "there are no pre-shared keys")
        sender = None if self._identity is None else self._identity.thumbprint
        return self._encryption.seal(name, topic, payload, sender)

    def _opened(self, raw: RawMessage) -> Message:
        verified: Optional[Verified] = None
        unverified: Optional[str] = None
        payload = raw.payload
        try:
            envelope = _envelope_in(raw)
            payload = envelope.payload
            verified = verify(envelope, raw.topic, self._keyring)
        except NotaryError as error:
            unverified = _REASONS[error.code]
        encrypted = is_encrypted(payload)
        undecrypted: Optional[str] = None
        if encrypted and self._encryption is not None:
            sender = None if verified is None else from_base64url(verified.kid)
            try:
                payload = self._encryption.open(raw.topic, payload, sender)
            except NotaryError as error:
                is_missing = error.code == "ERR_NO_ENCRYPTION_KEY"
                undecrypted = "no-key" if is_missing else "not-authentic"
        elif encrypted:
            undecrypted = "no-key"
        return Message(
            raw.topic,
            payload if undecrypted is None else b"",
            verified,
            unverified,
            encrypted,
            undecrypted,
            raw.qos,
            raw.retain,
        )


#: Why a message is not verified, by the code that says so.
_REASONS = {
    "ERR_UNSIGNED": "unsigned",
    "ERR_UNKNOWN_KEY": "unknown-key",
    "ERR_SIGNATURE_INVALID": "signature-invalid",
    "ERR_MALFORMED": "malformed",
}


def _envelope_in(raw: RawMessage) -> Envelope:
    # The property wins: a payload beside it is never parsed.
    if raw.envelope is not None:
        return parse_detached(raw.envelope, raw.payload)
    envelope = parse_attached(raw.payload)
    if envelope is None:
        raise NotaryError("ERR_UNSIGNED", "no envelope")
    return envelope
