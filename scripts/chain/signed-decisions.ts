import { type AuditChain, type Decision, nativeCrypto } from '../../plugins/index.ts'
import {
  encodeSign1,
  externalAad,
  parseAttachedEnvelope,
  signPublish,
  sigStructure,
  thumbprintOfP256,
} from '../../protocol/index.ts'
import { clientIdOf } from './fill-chain.ts'

const topic = 'plant/7/line/3/temperature'

/** Enrols a key, and makes the records of publishes that it signs, one after the other, as the gate would. */
export async function signedDecisions(chain: AuditChain): Promise<(index: number, timeMs: number) => Decision> {
  const key = nativeCrypto.generateP256()
  await chain.enroll({ x: key.x, y: key.y }, 'signer')
  const thumbprint = thumbprintOfP256(key, nativeCrypto)
  let seq = 0
  return (_, timeMs) => {
    seq++
    const payload = nativeCrypto.randomBytes(50)
    const message = signPublish(key, thumbprint, { topic, payload, seq, timeMs }, nativeCrypto)
    return { body: payload, record: recordOf(message, timeMs, thumbprint) }
  }
}

function recordOf(message: Uint8Array, timeMs: number, thumbprint: Uint8Array) {
  const envelope = parseAttachedEnvelope(message)
  if (envelope === undefined) throw new Error('what was signed is no envelope')
  const { sign1, seq, payload } = envelope
  return {
    kind: 'publish',
    timeMs,
    topic,
    clientId: clientIdOf(0),
    auth: 'none',
    listener: 'mqtt://127.0.0.1:1883',
    qos: 1,
    retain: false,
    payloadSize: payload.length,
    outcome: 'signed',
    thumbprint,
    seq,
    signedTimeMs: envelope.timeMs,
    contentDigest: nativeCrypto.sha256(sigStructure(sign1.protectedBytes, externalAad(topic), payload)),
    envelope: encodeSign1(sign1, undefined),
  } as const
}
