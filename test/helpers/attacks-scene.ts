import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { IClientOptions, IClientPublishOptions } from 'mqtt'
import type { ProtectRule } from '../../broker/index.ts'
import { nativeCrypto } from '../../plugins/index.ts'
import {
  type ClientSession,
  type KeyRestrictions,
  keyExchangeResponseTopic,
  ownClientId,
  type P256PublicKey,
  type PendingKeyExchange,
  p256FromJwk,
  p256ToJwk,
  type RefusalCause,
  rejectedTopic,
  requestTopic,
  signPublish,
  startKeyExchange,
} from '../../protocol/index.ts'
import { TestAdmin } from './admin.ts'
import { startBroker } from './broker.ts'
import type { Peer } from './conformance/peer.ts'
import { numberedKey, type TestKey } from './keys.ts'
import { type Received, TestClient } from './mqtt-clients.ts'
import type { Signer } from './signing.ts'
import { temporaryDirectory } from './temporary.ts'

/** What a MQTT 5 client is told, whatever the cause is. */
export const notAuthorized = 0x87

/** Topics of the scene, each with the policy that it is named after. */
const protect: readonly ProtectRule[] = [
  { filter: 'signed/#', signed: true },
  { filter: 'mac/#', signed: true, mac: true },
  { filter: 'fresh/#', freshSeconds: 60 },
  { filter: 'named/#', keys: ['press-*'] },
  { filter: 'encrypted/#', signed: true, encrypted: true },
  { filter: 'tls/#', signed: true, tls: true },
]

/** What is on the wire of a publish, QoS 1 unless it says otherwise. */
interface PublishToRefuse extends Omit<IClientPublishOptions, 'qos'> {
  readonly payload: string | Uint8Array
  readonly qos?: 0 | 1 | 2
}

/** An event below `$notary/rejected/`. */
interface RejectedEvent {
  readonly cause: RefusalCause
  readonly topic: string
  readonly qos: number
}

const ownRejected = rejectedTopic(ownClientId)
const ownExchange = keyExchangeResponseTopic(ownClientId)
const pauseMs = 10

/** A broker under attack, with an administrator, and with an honest device that must not notice. */
export class AttackScene {
  readonly port: number
  readonly admin: TestAdmin
  readonly brokerKey: P256PublicKey
  /** Refusals that tests of this scene provoked. */
  readonly #expected = new Map<RefusalCause, number>()
  readonly #logFile: string
  readonly #bystander: Bystander

  private constructor(port: number, admin: TestAdmin, brokerKey: P256PublicKey, bystander: Bystander, logFile: string) {
    this.port = port
    this.admin = admin
    this.brokerKey = brokerKey
    this.#bystander = bystander
    this.#logFile = logFile
  }

  static async open(t: TestContext): Promise<AttackScene> {
    const logFile = join(temporaryDirectory(t), 'log')
    const destinations = [{ kind: 'file', path: logFile }] as const
    const { port } = await startBroker(t, { protect, log: { destinations, types: ['error'], timestamps: false } })
    const admin = await TestAdmin.connect(t, port, { keepalive: 0 })
    const { brokerKey } = await admin.request('audit.status', {})
    await admin.request('keys.enroll', { key: p256ToJwk(honestKey), name: 'honest' })
    const bystander = await Bystander.start(t, port)
    return new AttackScene(port, admin, p256FromJwk(brokerKey, nativeCrypto), bystander, logFile)
  }

  /** @returns the kid, for the administrator */
  async enroll(key: TestKey, name: string, restrictions: KeyRestrictions = {}): Promise<string> {
    return (await this.admin.request('keys.enroll', { key: p256ToJwk(key), name, restrictions })).kid
  }

  /** A client that is told of its refusals and gets answers to its key exchanges. */
  async connect(t: TestContext, options: IClientOptions = {}): Promise<TestClient> {
    const client = await TestClient.connect(t, this.port, options)
    assert.equal(await client.subscribe(ownRejected, 0), 0)
    assert.equal(await client.subscribe(ownExchange, 0), 0)
    return client
  }

  /** Agrees on a session for hop MACs. */
  async agree(client: TestClient, signer: Signer): Promise<ClientSession> {
    const pending = this.#start(client.id, signer, ++signer.seq)
    return pending.finish(await this.answerTo(client, pending.message), this.brokerKey)
  }

  /** The same on a bare connection. */
  async agreeAs(peer: Peer, clientId: string, signer: Signer): Promise<ClientSession> {
    const pending = this.#start(clientId, signer, ++signer.seq)
    assert.deepEqual(await peer.subscribe([[ownExchange, 0]]), [0])
    assert.equal(await peer.publish({ topic: requestTopic.keyExchange, payload: pending.message, qos: 1 }), 0)
    return pending.finish((await peer.receive()).payload, this.brokerKey)
  }

  #start(clientId: string, { key }: Signer, seq: number): PendingKeyExchange {
    const start = { clientId, seq, timeMs: Date.now() }
    return startKeyExchange({ key, thumbprint: key.thumbprint }, start, nativeCrypto)
  }

  /** Sends a key exchange request that must be answered. */
  async answerTo(client: TestClient, request: Uint8Array): Promise<Uint8Array> {
    const isAnswer = ({ topic }: Received) => topic === ownExchange
    const earlier = client.received.filter(isAnswer).length
    assert.equal(await client.publish(requestTopic.keyExchange, request), 0)
    const answer = (await client.waitFor(earlier + 1, isAnswer)).at(-1)
    return answer?.payload ?? assert.fail('no answer')
  }

  /** What is published must be refused with this cause: the client is told, and it is counted. */
  async refuses(
    client: TestClient,
    cause: RefusalCause,
    topic: string,
    { payload, qos = 1, ...options }: PublishToRefuse,
    what: string = cause,
  ): Promise<void> {
    const isEvent = (message: Received) => message.topic === ownRejected
    const told = client.received.filter(isEvent).length
    const code = await client.publish(topic, payload, { ...options, qos })
    const events = await client.waitFor(told + 1, isEvent)
    const event = JSON.parse(String(events[told]?.payload)) as RejectedEvent
    assert.deepEqual([event.cause, event.topic, event.qos], [cause, topic, qos], what)
    // Older clients are acknowledged, and nobody is at QoS 0.
    assert.equal(code, client.mqtt.options.protocolVersion === 5 && qos > 0 ? notAuthorized : 0, what)
    this.expect(cause)
  }

  /** A refusal that the counters must have, of which nobody is told. */
  expect(cause: RefusalCause, times = 1): void {
    this.#expected.set(cause, (this.#expected.get(cause) ?? 0) + times)
  }

  /**
   * Asserts that every refusal was counted under its cause and no other, that the chain verifies with so many signed
   * publishes beside those of the honest device, that this one was always acknowledged, and that the broker had no error.
   */
  async assertHeld(signed: number): Promise<void> {
    const published = await this.#bystander.stop()
    const { refused } = await this.admin.request('audit.status', {})
    assert.deepEqual(refused, Object.fromEntries(this.#expected))
    const ofBystander = await this.admin.records({ topic: honestTopic })
    assert.equal(ofBystander.length, published)
    const { ok, firstBad } = await this.admin.request('audit.verify', {})
    assert.deepEqual([ok, firstBad], [true, undefined])
    const records = (await this.admin.publishes()).filter(({ outcome }) => outcome === 'signed')
    assert.equal(records.length, signed + published)
    assert.equal(readFileSync(this.#logFile, 'utf8'), '')
  }
}

const honestTopic = 'signed/honest'
const honestKey = numberedKey(900)

/** An honest device that goes on publishing while others are attacked: every publish must be acknowledged. */
class Bystander {
  readonly #client: TestClient
  readonly #running: Promise<number>
  #isOver = false

  private constructor(client: TestClient) {
    this.#client = client
    this.#running = this.#publish()
    // Looked at when it is stopped.
    this.#running.catch(() => {})
  }

  static async start(t: TestContext, port: number): Promise<Bystander> {
    return new Bystander(await TestClient.connect(t, port, { clientId: 'honest', keepalive: 0 }))
  }

  /** @returns how many publishes were acknowledged */
  stop(): Promise<number> {
    this.#isOver = true
    return this.#running
  }

  async #publish(): Promise<number> {
    for (let seq = 1; ; seq++) {
      const publish = { topic: honestTopic, payload: Buffer.from(`${seq}`), seq, timeMs: Date.now() }
      const payload = signPublish(honestKey, honestKey.thumbprint, publish, nativeCrypto)
      assert.equal(await this.#client.publish(honestTopic, payload), 0, `publish ${seq} of the honest device`)
      if (this.#isOver) return seq
      // Its pace: a device that publishes as fast as it can would be the load of this test.
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
}
