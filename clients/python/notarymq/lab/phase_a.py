"""Phase A: over a socket, then the same identity over MQTT."""

from __future__ import annotations

import socket

from ..client import Client
from ..clock import now_ms
from ..envelope import sign_attached
from ..errors import NotaryError
from ..identity import Identity
from ..keys import PublicKey
from ..link import NotaryLink, connect_socket
from .messages import flipped, publish_and_receive
from .scene import TOPICS, Scene

NOT_AUTHORIZED = 0x87


class FlippingSocket:
    """Somebody on the way who alters one bit of what he is told to."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.victim = b""

    def sendall(self, data: bytes) -> None:
        """Pass on, altered when the victim is in it."""
        is_meant = self.victim != b"" and self.victim in data
        self._connection.sendall(flipped(data, self.victim) if is_meant else data)

    def recv(self, count: int) -> bytes:
        """Pass on what comes back."""
        return self._connection.recv(count)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def run(scene: Scene) -> None:
    """Run the phase."""
    identity = scene.identity()
    keyring = scene.keyring()
    with Client(scene.settings, identity, keyring) as client:
        statement = scene.prove_broker(client)
        scene.enrol(client, identity, statement.origin)
        link = _over_the_socket(scene, client, identity, statement.key)
        scene.story.step("The same identity over MQTT: the session of the link goes on")
        client.use_session(link.session)
        scene.story.show(f"client id {client.client_id}, session {link.session.sid.hex()}")
        with Client(scene.settings, None, keyring) as receiver:
            receiver.subscribe(f"{TOPICS}/#", 2)
            publish_and_receive(scene, client, receiver)
        link.close()
        _altered_on_the_way(scene, identity, client.client_id, statement.key)


def _open(scene: Scene) -> socket.socket:
    return connect_socket(scene.settings.host, scene.link_port)


def _over_the_socket(
    scene: Scene, client: Client, identity: Identity, broker: PublicKey
) -> NotaryLink:
    story = scene.story
    story.step("ECDH over a socket: both sides sign the ephemeral key that they send")
    link = NotaryLink.over(_open(scene), identity, client.client_id, broker)
    story.check(True, f"both have the session key; the session is {link.session.sid.hex()}")

    story.step("Signed and HMACed messages over that socket")
    topic = f"{scene.topic}/socket"
    for n in (1, 2, 3):
        answer = link.publish(topic, f"over the socket {n}".encode())
        story.check(answer.reason_code == 0, f"message {n} is record {answer.index}")

    story.step("A message whose signature does not fit, in a frame that is ours")
    seq = identity.reserve_number()
    genuine = sign_attached(identity, topic, b"open valve", seq, now_ms())
    answer = link.send(topic, flipped(genuine, b"open valve"))
    story.check(
        answer.reason_code == NOT_AUTHORIZED and answer.index is None,
        f"refused with {answer.reason_code:#x}: the HMAC fits, the ECDSA signature does not",
    )
    return link


def _altered_on_the_way(
    scene: Scene, identity: Identity, client_id: str, broker: PublicKey
) -> None:
    story = scene.story
    story.step("Somebody on the way alters one bit of a frame")
    way = FlippingSocket(_open(scene))
    # Anything with these three methods is a socket to the link.
    link = NotaryLink.over(way, identity, client_id, broker)  # type: ignore[arg-type]
    way.victim = b"open valve"
    try:
        link.publish(f"{scene.topic}/socket", b"open valve")
    except NotaryError as error:
        is_closed = error.code == "ERR_CONNECTION"
        story.check(is_closed, "the HMAC of the frame is wrong: the broker closes the link")
        return
    story.check(False, "the broker closes a link with an altered frame")
