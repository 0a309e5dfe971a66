"""Signed and MACed publishes over MQTT, and what becomes of altered ones."""

from __future__ import annotations

from typing import Callable, Dict, List, Tuple

from ..client import Client, Message
from ..clock import now_ms
from ..envelope import sign_attached
from ..errors import NotaryError
from ..exchange import Session
from ..identity import Identity
from .scene import TOPICS, Scene

QOS = (0, 1, 2)


def publish_and_receive(scene: Scene, sender: Client, receiver: Client) -> List[int]:
    """Publish with every QoS and carrier, and see each verified on arrival.

    Returns the sequence numbers of the messages.
    """
    story = scene.story
    story.step("Signed and MACed messages with QoS 0, 1 and 2; a subscriber verifies them")
    wanted: Dict[int, Tuple[str, bytes]] = {}
    # Detached: the payload stays as it is, the signature goes beside it.
    is_v5 = scene.settings.protocol == 5
    carriers = (("", False), ("-detached", True)) if is_v5 else (("", False),)
    for qos in QOS:
        for suffix, detached in carriers:
            topic = f"{scene.topic}/qos-{qos}{suffix}"
            payload = f"21.{qos} degrees".encode()
            # Retained, so that other parties find them whenever they come.
            sent = sender.publish(
                topic, payload, qos=qos, retain=True, mac=True, detached=detached
            )
            if sent.seq is not None:
                wanted[sent.seq] = (topic, payload)
    others: List[Message] = []
    missing = dict(wanted)
    while missing:
        message = receiver.receive()
        verified = message.verified
        is_ours = message.topic.startswith(f"{scene.topic}/")
        if not is_ours:
            others.append(message)
        elif verified is not None and verified.seq in missing:
            expected = missing.pop(verified.seq)
            story.check(
                (message.topic, message.payload) == expected,
                f"{message.topic} QoS {message.qos}: \"{message.payload.decode()}\" "
                f"signed by {verified.subject} as #{verified.seq}",
            )
    _show_others(scene, others)
    return sorted(wanted)


def _show_others(scene: Scene, messages: List[Message]) -> None:
    scene.story.step(f"What others left on {TOPICS}/#, held against the keys we have of them")
    for message in messages:
        if message.verified is None:
            scene.story.show(f"{message.topic}: not believed, {message.unverified}")
            continue
        scene.story.check(
            message.topic.split("/")[2] == message.verified.subject.replace("lab-", ""),
            f"{message.topic}: \"{message.payload.decode()}\" "
            f"signed by {message.verified.subject} as #{message.verified.seq}",
        )
    if not messages:
        scene.story.show("nothing yet")


def tamper(
    scene: Scene, client: Client, identity: Identity, session: Session
) -> None:
    """Publish what somebody on the way would make of genuine messages."""
    story = scene.story
    story.step("Altered, moved and repeated messages; the broker says why it refuses")
    topic = f"{scene.topic}/tampered"

    def signed(mac: bool) -> bytes:
        seq = identity.reserve_number()
        maced = session if mac else None
        return sign_attached(identity, topic, b"close valve", seq, now_ms(), maced)

    publish: Callable[..., None] = client.connection.publish
    maced = signed(True)
    _refused(scene, "mac-invalid", "one bit of the payload is another",
             lambda: publish(topic, flipped(maced, b"close valve"), 1))
    # Whoever has the session key can make the MAC fit, but not the signature.
    plain = signed(False)
    _refused(scene, "signature-invalid", "the same without a MAC around it",
             lambda: publish(topic, flipped(plain, b"close valve"), 1))
    _refused(scene, "signature-invalid", "a genuine message on another topic",
             lambda: publish(f"{scene.topic}/elsewhere", plain, 1))
    publish(topic, plain, 1)
    story.check(True, "the genuine one is accepted, whatever was tried before")
    _refused(scene, "replayed-with-other-flags", "again, now to be retained",
             lambda: publish(topic, plain, 1, True))
    publish(topic, plain, 1)
    story.check(True, "an exact copy is acknowledged again and changes nothing")


def flipped(message: bytes, part: bytes) -> bytes:
    """Return the message with one bit of that part the other way round."""
    at = message.index(part)
    return message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]


def _refused(scene: Scene, cause: str, what: str, publish: Callable[[], None]) -> None:
    try:
        publish()
    except NotaryError as error:
        scene.story.check(error.refusal == cause, f"{what}: refused, {cause}")
        return
    scene.story.check(False, f"{what}: refused, {cause}")
