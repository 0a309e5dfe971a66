"""MQTT by Eclipse paho, 1.6 or 2.x, with calls that wait for their answers."""

from __future__ import annotations

import secrets
import ssl
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, Callable, Deque, Dict, Optional

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from . import topics
from .envelope import PROPERTY
from .errors import NotaryError
from .json_text import json_object

#: Reason codes and return codes of SUBACK from here on are failures.
_FAILURE = 0x80
_KEPT_REFUSALS = 1000
#: Of one service. Several come only for what takes long, which tells how far it is.
_KEPT_ANSWERS = 100
_MAX_WAITING_MESSAGES = 100_000


@dataclass(frozen=True)
class Settings:
    """Where and how to connect."""

    host: str = "localhost"
    port: int = 1883
    client_id: Optional[str] = None
    #: 3: MQTT 3.1, 4: MQTT 3.1.1, 5: MQTT 5.
    protocol: int = 5
    username: Optional[str] = None
    password: Optional[str] = None
    tls: Optional[ssl.SSLContext] = None
    #: How long every answer may take.
    timeout_seconds: float = 10.0


@dataclass(frozen=True)
class Refusal:
    """What the broker tells of a publish that it refused."""

    topic: str
    qos: int
    #: As in docs/errors.md: `signature-invalid`, `not-signed` and so on.
    cause: str


@dataclass(frozen=True)
class RawMessage:
    """A message as it came."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    #: User property `notarymq`: None when it is not there exactly once.
    envelope: Optional[str]


class Connection:
    """One connection. paho's thread runs it; every call waits for its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # MQTT 3.1 allows 23 characters.
        self.client_id = settings.client_id or f"python-{secrets.token_hex(6)}"
        self.refusals: Deque[Refusal] = deque(maxlen=_KEPT_REFUSALS)
        #: Those since the newest publish began.
        self._refused_now: Deque[Refusal] = deque(maxlen=_KEPT_REFUSALS)
        self._changed = threading.Condition()
        self._publishing = threading.Lock()
        self._connack: Optional[int] = None
        self._is_closed = False
        self._subacks: Dict[int, int] = {}
        #: Reason codes where paho tells them; its first version does not.
        self._acknowledged: Dict[int, int] = {}
        self._inbox: Deque[RawMessage] = deque()
        #: Answers of the broker's services, by topic.
        self._answers: Dict[str, Deque[bytes]] = {}
        self._mqtt = _new_paho(self.client_id, settings)
        self._mqtt.on_connect = self._on_connect
        self._mqtt.on_disconnect = self._on_disconnect
        self._mqtt.on_subscribe = self._on_subscribe
        self._mqtt.on_publish = self._on_publish
        self._mqtt.on_message = self._on_message

    def open(self) -> None:
        """Connect once. Raises ERR_CONNECTION, ERR_TIMEOUT."""
        host, port = self._settings.host, self._settings.port
        try:
            self._mqtt.connect(host, port, keepalive=30)
        except (OSError, ValueError) as cause:
            raise NotaryError(
                "ERR_CONNECTION", f"cannot connect to {host}:{port}: {cause}"
            ) from cause
        self._mqtt.loop_start()
        try:
            self._wait(lambda: self._connack is not None, "the answer to CONNECT")
            if self._connack != 0:
                code = self._connack or 0
                raise NotaryError(
                    "ERR_CONNECTION", f"the broker refused the connection ({code:#x})"
                )
            # Refusals are told here before they are acknowledged, to clients
            # of every version, and with their cause.
            self.subscribe(topics.OWN_REJECTED, 0)
        except NotaryError:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect and end the thread."""
        self._mqtt.disconnect()
        self._mqtt.loop_stop()

    @property
    def certificate(self) -> Optional[bytes]:
        """Return the server's certificate (DER); None without TLS."""
        connected = self._mqtt.socket()
        if not isinstance(connected, ssl.SSLSocket):
            return None
        return connected.getpeercert(binary_form=True)

    def subscribe(self, topic_filter: str, qos: int) -> None:
        """Subscribe. Raises ERR_REFUSED, ERR_CONNECTION, ERR_TIMEOUT."""
        result, mid = self._mqtt.subscribe(topic_filter, qos)
        if result != paho.MQTT_ERR_SUCCESS or mid is None:
            raise NotaryError("ERR_CONNECTION", paho.error_string(result))
        self._wait(lambda: mid in self._subacks, f"the answer for {topic_filter}")
        if self._subacks.pop(mid) >= _FAILURE:
            raise NotaryError("ERR_REFUSED", f"not subscribed to {topic_filter}")

    def publish(
        self,
        topic: str,
        payload: bytes,
        qos: int,
        retain: bool = False,
        envelope: Optional[str] = None,
    ) -> None:
        """Publish and wait for the acknowledgement, of QoS 0 for the sending.

        Raises ERR_REFUSED with the broker's cause, ERR_CONNECTION,
        ERR_TIMEOUT. A refused QoS 0 publish shows in `refusals` later.
        """
        with self._publishing:
            self._refused_now.clear()
            info = self._mqtt.publish(
                topic, payload, qos, retain, _properties(envelope)
            )
            if info.rc != paho.MQTT_ERR_SUCCESS:
                raise NotaryError("ERR_CONNECTION", paho.error_string(info.rc))
            mid = info.mid
            self._wait(lambda: mid in self._acknowledged, "the acknowledgement")
            with self._changed:
                code, refused = self._acknowledged.pop(mid), list(self._refused_now)
        for refusal in refused:
            # One acknowledged publish is on its way at a time: this one.
            if (refusal.topic, refusal.qos) == (topic, qos) and qos > 0:
                raise NotaryError(
                    "ERR_REFUSED", f"the broker refused: {refusal.cause}", refusal.cause
                )
        if code >= _FAILURE:
            raise NotaryError("ERR_REFUSED", f"refused with reason code {code:#x}")

    def ask(self, request_topic: str, response_topic: str, payload: bytes) -> bytes:
        """Publish a request to the broker and wait for what answers it."""
        if response_topic not in self._answers:
            self._answers[response_topic] = deque(maxlen=_KEPT_ANSWERS)
            self.subscribe(response_topic, 0)
        answers = self._answers[response_topic]
        answers.clear()
        self.publish(request_topic, payload, 1)
        self._wait(lambda: len(answers) > 0, f"the answer to {request_topic}")
        return answers.popleft()

    def next_answer(self, response_topic: str) -> bytes:
        """Wait for another message of a topic that was asked by `ask`."""
        answers = self._answers[response_topic]
        self._wait(lambda: len(answers) > 0, f"another answer on {response_topic}")
        return answers.popleft()

    def next_message(self, seconds: Optional[float] = None) -> RawMessage:
        """Wait for the next message. Raises ERR_TIMEOUT, ERR_CONNECTION."""
        self._wait(lambda: len(self._inbox) > 0, "a message", seconds)
        return self._inbox.popleft()

    def _wait(
        self, is_done: Callable[[], bool], what: str, seconds: Optional[float] = None
    ) -> None:
        limit = self._settings.timeout_seconds if seconds is None else seconds
        with self._changed:
            self._changed.wait_for(lambda: is_done() or self._is_closed, limit)
            if is_done():
                return
            if self._is_closed:
                raise NotaryError(
                    "ERR_CONNECTION", f"the connection ended, waiting for {what}"
                )
        raise NotaryError("ERR_TIMEOUT", f"no sign of {what} within {limit:g} s")

    # paho 1 and 2 hand over what follows with and without codes and properties.

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: Any, *_: Any) -> None:
        with self._changed:
            self._connack = _number(code)
            self._changed.notify_all()

    def _on_disconnect(self, _client: Any, _data: Any, *_: Any) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _on_subscribe(self, _client: Any, _data: Any, mid: int, codes: Any, *_: Any) -> None:
        with self._changed:
            self._subacks[mid] = _number(codes[0])
            self._changed.notify_all()

    def _on_publish(self, _client: Any, _data: Any, mid: int, *rest: Any) -> None:
        with self._changed:
            self._acknowledged[mid] = _number(rest[0]) if rest else 0
            self._changed.notify_all()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        with self._changed:
            if message.topic == topics.OWN_REJECTED:
                self._note_refusal(payload)
            elif message.topic in self._answers:
                self._answers[message.topic].append(payload)
            elif self._is_closed or len(self._inbox) >= _MAX_WAITING_MESSAGES:
                # Nobody takes them: to end is told, to lose some would not be.
                self._is_closed = True
                self._mqtt.disconnect()
            else:
                envelope = _envelope_of(message)
                retain = bool(message.retain)
                self._inbox.append(
                    RawMessage(message.topic, payload, message.qos, retain, envelope)
                )
            self._changed.notify_all()

    def _note_refusal(self, payload: bytes) -> None:
        try:
            event = json_object(payload)
        except NotaryError:
            # Nobody waits for it here: it stands among the refusals.
            event = {}
        refusal = Refusal(
            event.get("topic", ""), event.get("qos", 0), event.get("cause", "unreadable")
        )
        self.refusals.append(refusal)
        self._refused_now.append(refusal)


def _new_paho(client_id: str, settings: Settings) -> paho.Client:
    is_v5 = settings.protocol == 5
    options: Dict[str, Any] = {
        "client_id": client_id,
        "protocol": settings.protocol,
        "clean_session": None if is_v5 else True,
        # A client that reconnects by itself would send again what its caller
        # was told to have failed.
        "reconnect_on_failure": False,
    }
    versions = getattr(paho, "CallbackAPIVersion", None)
    if versions is not None:
        options["callback_api_version"] = versions.VERSION2
    client = paho.Client(**options)
    if settings.username is not None:
        client.username_pw_set(settings.username, settings.password)
    if settings.tls is not None:
        client.tls_set_context(settings.tls)
    return client


def _properties(envelope: Optional[str]) -> Optional[Properties]:
    if envelope is None:
        return None
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = (PROPERTY, envelope)
    return properties


def _envelope_of(message: paho.MQTTMessage) -> Optional[str]:
    properties = getattr(message, "properties", None)
    pairs = getattr(properties, "UserProperty", ())
    values = [value for name, value in pairs if name == PROPERTY]
    return values[0] if len(values) == 1 else None


def _number(code: Any) -> int:
    return int(getattr(code, "value", code))
