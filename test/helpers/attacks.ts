// What an attacker sends who knows the format and may hold a key, or nothing but other people's messages.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { nativeCrypto } from '../../plugins/index.ts'
import {
  addHopMac,
  detachedProperty,
  detachedValueOf,
  encodeSign1,
  externalAad,
  type HopMacKey,
  kidOf,
  parseSign1,
  publishProtectedHeaders,
  sigStructure,
} from '../../protocol/index.ts'
import { atEnd } from './cleanup.ts'
import { Peer } from './conformance/peer.ts'
import type { ProtocolLevel } from './conformance/received.ts'
import type { TestKey } from './keys.ts'
import { type MqttVersion, mqttVersions } from './mqtt-clients.ts'

/** What of an envelope is other than it should be. */
export interface Forgery {
  /** Default: those of a publish of the key with the number and time given. */
  readonly protectedBytes?: Uint8Array
  /** Default: an empty map. */
  readonly unprotectedBytes?: Uint8Array
  /** What the signature is over. Default: the topic and payload that are sent. */
  readonly signedTopic?: string
  readonly signedPayload?: Uint8Array
  readonly externalAad?: Uint8Array
  /** The key that signs. Default: the one that the kid names. */
  readonly signedBy?: TestKey
  readonly changeSignature?: (signature: Uint8Array) => Uint8Array
  /** Changes the COSE_Sign1 when it is complete. */
  readonly damage?: (sign1: Uint8Array) => Uint8Array
}

/** A publish that its key never made like this. */
export interface PublishToForge {
  readonly key: TestKey
  readonly seq: number
  readonly timeMs: number
  readonly topic: string
  readonly payload: Uint8Array
}

export type Carrier = 'attached' | 'detached'

/** The COSE_Sign1 of a publish with something wrong about it. */
export function forgeSign1(publish: PublishToForge, forgery: Forgery, carrier: Carrier): Uint8Array {
  const { key, seq, timeMs, topic, payload } = publish
  const protectedBytes = forgery.protectedBytes ?? publishProtectedHeaders(kidOf(key.thumbprint), seq, timeMs)
  const aad = forgery.externalAad ?? externalAad(forgery.signedTopic ?? topic)
  const toBeSigned = sigStructure(protectedBytes, aad, forgery.signedPayload ?? payload)
  const genuine = nativeCrypto.signP256(forgery.signedBy ?? key, toBeSigned)
  const signature = forgery.changeSignature?.(genuine) ?? genuine
  const unprotectedBytes = forgery.unprotectedBytes ?? Uint8Array.of(0xa0)
  const sign1 = encodeSign1(
    { protectedBytes, unprotectedBytes, signature },
    carrier === 'attached' ? payload : undefined,
  )
  return forgery.damage?.(sign1) ?? sign1
}

/** What is on the wire of a publish: its payload, and the user property beside it in the detached carrier. */
export interface Carried {
  readonly payload: Uint8Array
  readonly properties?: { readonly userProperties: Record<string, string> }
}

const nothing = new Uint8Array(0)

/** Puts a COSE_Sign1 into its carrier. @param session by which to MAC it, where there is one */
export function carry(sign1: Uint8Array, payload: Uint8Array, carrier: Carrier, session?: HopMacKey): Carried {
  const aad = carrier === 'attached' ? nothing : payload
  const envelope = session === undefined ? sign1 : addHopMac(sign1, session, aad, nativeCrypto)
  return inCarrier(envelope, payload, carrier)
}

/** Puts a whole envelope, MAC included, into its carrier. */
export function inCarrier(envelope: Uint8Array, payload: Uint8Array, carrier: Carrier): Carried {
  if (carrier === 'attached') return { payload: envelope }
  return { payload, properties: { userProperties: { [detachedProperty]: detachedValueOf(envelope) } } }
}

/** A COSE_Sign1 that may be sent in either carrier, as one without its payload. */
export function withoutPayload(sign1: Uint8Array): Uint8Array {
  return encodeSign1(parseSign1(sign1), undefined)
}

/** A version and the carriers that it has. */
export interface Carriage {
  readonly name: string
  readonly version: MqttVersion
  readonly carrier: Carrier
}

/** Every way on which an envelope may come; user properties exist in MQTT 5 only. */
export const carriages: readonly Carriage[] = [
  ...mqttVersions.map(({ name, version }) => ({ name: `${name}, attached`, version, carrier: 'attached' }) as const),
  { name: 'MQTT 5, detached', version: { protocolVersion: 5 }, carrier: 'detached' },
]

/** Order of P-256. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The other signature that verifies over the same bytes: (r, n - s). */
export function malleated(signature: Uint8Array): Uint8Array {
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`)
  const other = (order - s).toString(16).padStart(64, '0')
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(other, 'hex')])
}

let lastAddress = 0

/** An address of the loopback network that nobody used before: what one does must not count against another. */
export function freshAddress(): string {
  const n = ++lastAddress
  return `127.77.${n >> 8}.${n & 0xff}`
}

/** A connection from any address of the loopback network, without CONNECT. */
export async function openPeerFrom(
  t: TestContext,
  localAddress: string,
  port: number,
  level: ProtocolLevel,
): Promise<Peer> {
  const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true })
  atEnd(t, () => socket.destroy())
  await once(socket, 'connect')
  return new Peer(socket, level, `peer-${localAddress}`)
}

/** Asks again and again: for what happens in its own time, and of which nobody is told. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries++) if (await isSo()) return
  assert.fail('it did not happen')
}
