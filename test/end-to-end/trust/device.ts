import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { IClientOptions } from 'mqtt'
import {
  addHopMac,
  type ClientSession,
  detachedProperty,
  detachedValueOf,
  encodeSign1,
  keyExchangeResponseTopic,
  nobleCrypto,
  p256FromJwk,
  parseSign1,
  requestTopic,
  startKeyExchange,
} from '../../../protocol/index.ts'
import type { TestAdmin } from '../../helpers/admin.ts'
import type { TestKey } from '../../helpers/keys.ts'
import { type Received, TestClient } from '../../helpers/mqtt-clients.ts'
import { type EnvelopeChanges, Signer } from '../../helpers/signing.ts'

export type Carrier = 'attached' | 'detached'

/** How a signed publish is to be made and sent. */
export interface Sending extends EnvelopeChanges {
  /** Default: attached. */
  readonly carrier?: Carrier
  /** By the session that was agreed. Default false. */
  readonly mac?: boolean
  /** Default 1. */
  readonly qos?: 0 | 1 | 2
  readonly retain?: boolean
  /** Beside the envelope. */
  readonly user?: Readonly<Record<string, string>>
  /** Topic that is signed, where it is another one. */
  readonly signedTopic?: string
}

/** What is on the wire of a signed publish, and what subscribers must see of it: the same without its hop MAC. */
export interface SignedParts {
  readonly payload: Buffer
  /** Undefined when there are none: MQTT.js sends nothing at all of a publish with an empty list. */
  readonly properties: { readonly userProperties: Record<string, string> } | undefined
  readonly delivered: Pick<Received, 'payload' | 'userProperties'>
}

/** A client that signs with a key of its own, in either carrier, and MACs once it has a session. */
export class Device {
  readonly client: TestClient
  readonly signer: Signer
  #session: ClientSession | undefined

  private constructor(client: TestClient, signer: Signer) {
    this.client = client
    this.signer = signer
  }

  /** @param key a signer goes on counting where it is */
  static async connect(
    t: TestContext,
    where: number | string,
    key: TestKey | Signer,
    options: IClientOptions = {},
  ): Promise<Device> {
    const client = await TestClient.connect(t, where, options)
    return new Device(client, key instanceof Signer ? key : new Signer(key))
  }

  /** Agrees on a session for hop MACs over MQTT, with whoever answers. */
  async agree(admin: TestAdmin): Promise<void> {
    const { client, signer } = this
    const { brokerKey } = await admin.request('audit.status', {})
    const responseTopic = keyExchangeResponseTopic(client.id)
    await client.subscribe(responseTopic, 0)
    const earlier = client.received.filter(({ topic }) => topic === responseTopic).length
    const start = { clientId: client.id, seq: ++signer.seq, timeMs: Date.now() }
    const pending = startKeyExchange({ key: signer.key, thumbprint: signer.key.thumbprint }, start, nobleCrypto)
    assert.equal(await client.publish(requestTopic.keyExchange, pending.message), 0)
    const answers = await client.waitFor(earlier + 1, ({ topic }) => topic === responseTopic)
    const answer = answers.at(-1)?.payload ?? assert.fail('no answer')
    this.#session = await pending.finish(answer, p256FromJwk(brokerKey, nobleCrypto))
  }

  /** The same connection and the same session, with another key. */
  signAs(key: TestKey | Signer): Device {
    const device = new Device(this.client, key instanceof Signer ? key : new Signer(key))
    device.#session = this.#session
    return device
  }

  /** Makes a signed publish and does not send it. */
  make(topic: string, text: string, sending: Sending = {}): SignedParts {
    return signedParts(this.signer, topic, text, sending, this.#session)
  }

  /** Sends what {@link make} made. @returns the reason code, as {@link TestClient.publish} */
  send(topic: string, { payload, properties }: SignedParts, { qos = 1, retain = false }: Sending = {}) {
    return this.client.publish(topic, payload, { qos, retain, ...(properties === undefined ? {} : { properties }) })
  }

  publish(topic: string, text: string, sending: Sending = {}): Promise<number> {
    return this.send(topic, this.make(topic, text, sending), sending)
  }
}

/** Makes a signed publish: for a will, which is signed before there is a connection. */
export function signedParts(
  signer: Signer,
  topic: string,
  text: string,
  sending: Sending = {},
  session?: ClientSession,
): SignedParts {
  const { carrier = 'attached', mac = false, user = {}, signedTopic = topic } = sending
  const payload = Buffer.from(text)
  const sign1 = signer.sign(signedTopic, payload, sending)
  const isAttached = carrier === 'attached'
  const signed = isAttached ? sign1 : encodeSign1(parseSign1(sign1), undefined)
  const aad = isAttached ? new Uint8Array(0) : payload
  const envelope = mac ? addHopMac(signed, session ?? assert.fail('no session'), aad, nobleCrypto) : signed
  const others = Object.entries(user)
  if (isAttached) {
    return {
      payload: Buffer.from(envelope),
      properties: others.length === 0 ? undefined : { userProperties: { ...user } },
      delivered: { payload: Buffer.from(signed), userProperties: others },
    }
  }
  return {
    payload,
    properties: { userProperties: { ...user, [detachedProperty]: detachedValueOf(envelope) } },
    delivered: { payload, userProperties: [...others, [detachedProperty, detachedValueOf(signed)]] },
  }
}

/** A client that reads `filter` with QoS 2. */
export async function subscriber(
  t: TestContext,
  where: number | string,
  filter: string,
  options: IClientOptions = {},
): Promise<TestClient> {
  const client = await TestClient.connect(t, where, options)
  assert.equal(await client.subscribe(filter, 2), 2)
  return client
}

/** What {@link SignedParts} says of messages as they should be. */
export function shown({ received }: TestClient): readonly SignedParts['delivered'][] {
  return received.map(({ payload, userProperties }) => ({ payload, userProperties }))
}

/** The refusals that a broker counted since it started. */
export async function refusedAt(admin: TestAdmin): Promise<Readonly<Record<string, number>>> {
  return (await admin.request('audit.status', {})).refused
}
