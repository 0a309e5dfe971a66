"""Who takes part in the lab, and how its steps are told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..admin import Admin
from ..broker_identity import KnownBrokers, Statement
from ..client import Client
from ..connection import Settings
from ..envelope import proof_of_possession
from ..errors import NotaryError
from ..identity import Identity, public_path
from ..keyring import Keyring
from ..keys import base64url, jwk_of

#: Everything that the lab publishes is below it.
TOPICS = "lab/messaging"
#: What this program calls itself: in topics, and of its key file.
PARTY = "python"


class LabFailed(Exception):
    """The lab did not see what it claims to show."""


class Story:
    """Numbered steps on standard output; each claim is checked."""

    def __init__(self) -> None:
        self._steps = 0

    def step(self, title: str) -> None:
        """Begin a step."""
        self._steps += 1
        print(f"\n{self._steps}. {title}", flush=True)

    def show(self, text: str) -> None:
        """Tell something of the step."""
        print(f"   {text}", flush=True)

    def check(self, is_true: bool, claim: str) -> None:
        """Tell what is so. Raises LabFailed when it is not."""
        if not is_true:
            raise LabFailed(f"the lab expected: {claim}")
        self.show(f"ok: {claim}")


@dataclass(frozen=True)
class Scene:
    """What every phase begins with."""

    story: Story
    settings: Settings
    link_port: int
    #: Keys of all parties: own pair, public halves of the others.
    keys: Path

    @property
    def topic(self) -> str:
        """Return the topic below which this program publishes."""
        return f"{TOPICS}/{PARTY}"

    def identity(self) -> Identity:
        """Return the key of this program, made when it is not there."""
        path = self.keys / f"lab-{PARTY}.pem"
        if path.exists():
            return Identity.load(path)
        self.keys.mkdir(0o700, parents=True, exist_ok=True)
        return Identity.generate(path)

    def keyring(self) -> Keyring:
        """Return whom this program believes: whose public keys lie there."""
        return Keyring.of_directory(self.keys)

    def known_brokers(self) -> KnownBrokers:
        """Return the brokers that the lab met before."""
        return KnownBrokers(self.keys / "known-brokers")

    def prove_broker(self, client: Client) -> Statement:
        """Let the broker prove who it is, and tell it."""
        self.story.step("The broker proves who it is: it signs our nonce")
        statement = client.prove_broker(None, self.known_brokers())
        self.story.show(f"log {statement.origin}")
        self.story.check(True, "signed by the key that it is known by from now on")
        return statement

    def enrol(self, client: Client, identity: Identity, origin: str) -> None:
        """Have the key enrolled, where this client is an administrator."""
        self.story.step("Our ECDSA key, and that the broker knows it")
        self.story.show(f"key {public_path(identity.path)}, kid {identity.kid}")
        params = {
            "key": jwk_of(identity.public),
            "name": f"lab-{PARTY}-{identity.thumbprint.hex()[:8]}",
            "proof": base64url(proof_of_possession(identity, origin)),
        }
        try:
            Admin(client.connection).request("keys.enroll", params)
        except NotaryError as error:
            if error.code not in ("ERR_ADMIN", "ERR_REFUSED"):
                raise
            self.story.show(f"not enrolled by us ({error}); somebody else has to have")
            return
        self.story.check(True, "enrolled, with a proof that we have its private half")
