/**
 * Why a publish is refused. One list for the counter, the log, `$notary/rejected/<client-id>` and `audit.status`; the
 * publisher itself learns only that it was refused.
 */
export const refusalCauses = {
  'not-signed': 'the topic asks for a signature and the payload is not a signed envelope',
  'unknown-key': 'the topic asks for a signature and no enrolled key has this kid',
  'key-revoked': 'the key was revoked',
  'algorithm-not-allowed': 'the envelope names another algorithm than ESP256 or ES256',
  'seq-too-old': 'the sequence number lies below the replay window of the key',
  'seq-reuse': 'another publish was accepted under this sequence number of the key',
  'replayed-with-other-flags': 'a copy of an accepted publish asks for a higher QoS or another retain flag',
  'signed-in-future': 'the signed time lies more than the admitted skew ahead of the broker clock',
  'signature-invalid': 'the signature does not verify over topic, payload, sequence number and time',
  'mac-not-supported': 'the envelope carries a hop MAC, which this version does not check',
  'detached-not-supported': 'the user property notarymq is present, which this version does not check',
  'will-not-supported': 'a will on a topic that asks for a signature, or a signed will',
  'broker-topic': 'only the broker publishes below $SYS and $notary',
  'tls-required': 'the topic asks for TLS, and the client came without',
  'access-denied': 'the access control list does not let this client write to the topic',
  'message-too-large': 'the payload is larger than message_size_limit',
  'disk-full': 'less room is left on the disk than notary_min_free asks for',
  'hook-failed': 'a check of the broker failed; the log says which',
} as const

export type RefusalCause = keyof typeof refusalCauses
