/**
 * Why a publish is refused. One list for the counter, the log, `$notary/rejected/<client-id>` and `audit.status`; the
 * publisher itself learns only that it was refused.
 */
export const refusalCauses = {
  'not-signed': 'the topic asks for a signature and the payload is not a signed envelope',
  'unknown-key': 'the topic asks for a signature and no enrolled key has this kid',
  'key-revoked': 'the key was revoked',
  'key-retired': 'the key was retired, and the records it stayed valid for are over',
  'key-restricted': 'the key may not sign for this topic, or not be used by this client or user',
  'key-not-allowed': 'the policy of the topic names other keys',
  'algorithm-not-allowed': 'the envelope names another algorithm than ESP256 or ES256',
  'seq-too-old': 'the sequence number lies below the replay window of the key',
  'seq-reuse': 'another publish was accepted under this sequence number of the key',
  'replayed-with-other-flags': 'a copy of an accepted publish asks for a higher QoS or another retain flag',
  'signed-in-future': 'the signed time lies more than the admitted skew ahead of the broker clock',
  'not-fresh': 'the signed time is older than the policy of the topic admits',
  'signature-invalid': 'the signature does not verify over topic, payload, sequence number and time',
  'mac-required': 'the topic asks for a hop MAC and the publish has none',
  'mac-invalid': 'the hop MAC is not the one of its session over this envelope',
  'mac-session-unknown': 'the hop MAC names no live session of this connection',
  'mac-key-mismatch': 'the session of the hop MAC was agreed with another key than the one that signed',
  'detached-malformed': 'the user property notarymq is malformed, or there are several',
  'not-encrypted': 'the topic asks for an encrypted payload and this one is not a COSE_Encrypt0',
  'will-replayed': 'the sequence number of the signed will belongs to another will, client or user',
  'too-busy': 'more of this connection waits to be verified than is admitted, or it asks the broker too often',
  'request-malformed': 'a request to the broker itself cannot be read',
  'exchange-not-for-us': 'a key exchange asks for another client id or broker, or for none over a socket',
  'broker-topic': 'only the broker publishes below $SYS and $notary',
  'tls-required': 'the topic asks for TLS, and the client came without',
  'access-denied': 'the access control list does not let this client write to the topic',
  'message-too-large': 'the payload is larger than message_size_limit',
  'disk-full': 'less room is left on the disk than notary_min_free asks for',
  'hook-failed': 'a check of the broker failed; the log says which',
} as const

export type RefusalCause = keyof typeof refusalCauses
