"""Phase B: key exchange and messages, all over MQTT topics."""

from __future__ import annotations

from typing import List

from ..client import Client
from .messages import publish_and_receive, tamper
from .scene import TOPICS, Scene


def run(scene: Scene) -> None:
    """Run the phase."""
    exchange_and_publish(scene)


def exchange_and_publish(scene: Scene) -> List[int]:
    """Run all steps; returns the sequence numbers of the genuine messages."""
    identity = scene.identity()
    keyring = scene.keyring()
    story = scene.story
    with Client(scene.settings, identity, keyring) as client:
        statement = scene.prove_broker(client)
        scene.enrol(client, identity, statement.origin)
        story.step("The same key exchange over MQTT topics")
        session = client.exchange()
        story.check(
            True, f"answered by the broker's key; the session is {session.sid.hex()}"
        )
        with Client(scene.settings, None, keyring) as receiver:
            receiver.subscribe(f"{TOPICS}/#", 2)
            numbers = publish_and_receive(scene, client, receiver)
        tamper(scene, client, identity, session)
    return numbers
