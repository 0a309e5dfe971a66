import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Client, PublishPacket } from 'aedes'
import { AuditChain, createNotary, type NotaryOptions, type Refusal, sinkTopic } from '../../../plugins/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { turns } from '../../helpers/sequencing.ts'
import { Signer } from '../../helpers/signing.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const device = numberedKey(91)

interface Setting {
  readonly chain: AuditChain
  readonly refusals: Refusal[]
  readonly errors: unknown[]
  /** Publishes and resolves with the answer. */
  publish(client: Client | null, packet: Partial<PublishPacket>): Promise<Error | null | undefined>
  readonly counters: ReturnType<typeof createNotary>['counters']
}

async function setUp(t: TestContext, more: Partial<NotaryOptions> = {}): Promise<Setting> {
  const chain = await AuditChain.open({ location: temporaryDirectory(t) })
  atEnd(t, () => chain.close())
  await chain.enroll(device, 'device')
  const refusals: Refusal[] = []
  const errors: unknown[] = []
  const { authorizePublish, counters } = createNotary({
    chain,
    protect: [{ filter: 'safe/#', signed: true }],
    onRefused: (refusal) => refusals.push(refusal),
    onError: (error) => errors.push(error),
    ...more,
  })
  const publish = (client: Client | null, packet: Partial<PublishPacket>) => {
    const whole = packetOf(packet)
    return new Promise<Error | null | undefined>((resolve) => authorizePublish(client, whole, resolve))
  }
  return { chain, refusals, errors, publish, counters }
}

function packetOf(packet: Partial<PublishPacket>): PublishPacket {
  const base = { cmd: 'publish', qos: 1, retain: false, dup: false, topic: 'plant/1', payload: Buffer.from('x') }
  return Object.assign(base, packet) as unknown as PublishPacket
}

const clientOf = (version: number, more: object = {}) =>
  ({ id: 'device', version, closed: false, conn: { destroyed: false }, ...more }) as unknown as Client

test('answers come in the order of the publishes, though signatures take their time and refusals none', async (t) => {
  const { publish, counters } = await setUp(t)
  const signer = new Signer(device)
  const forged = (topic: string) => {
    const bytes = Uint8Array.from(signer.sign(topic, 'x'))
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
    return Buffer.from(bytes)
  }
  const client = clientOf(5)
  const order: number[] = []
  const makers = [
    () => ({ topic: 'safe/1', payload: Buffer.from(signer.sign('safe/1', 'x')) }),
    () => ({ topic: 'plant/1' }),
    () => ({ topic: 'safe/1' }),
    () => ({ topic: 'safe/1', payload: forged('safe/1') }),
    () => ({ topic: '$SYS/x' }),
  ]
  const publishes = Array.from({ length: 100 }, (_, i) => (makers[(i * 7) % makers.length] ?? assert.fail())())
  const answers = await Promise.all(
    publishes.map(async (packet, i) => {
      const answer = await publish(client, packet)
      order.push(i)
      return answer === null
    }),
  )
  assert.deepEqual(order, [...publishes.keys()])
  assert.deepEqual(
    answers,
    publishes.map((_, i) => (i * 7) % makers.length < 2),
  )
  assert.deepEqual(
    [counters.accepted, counters.refused],
    [40, { 'not-signed': 20, 'signature-invalid': 20, 'broker-topic': 20 }],
  )
})

test('a refusal tells a version 5 client and lets others be acknowledged, without a word on the cause', async (t) => {
  const { publish, refusals } = await setUp(t)
  for (const version of [3, 4, 5]) {
    const packet = packetOf({ topic: 'safe/1', retain: true })
    const answer = await publish(clientOf(version), packet)
    assert.equal(answer?.message, version === 5 ? 'not authorized' : undefined)
  }
  assert.deepEqual(
    refusals.map(({ cause, topic, publisher }) => [cause, topic, publisher.clientId]),
    Array.from({ length: 3 }, () => ['not-signed', 'safe/1', 'device']),
  )
})

test('what is acknowledged but not delivered goes, empty and not retained, where nobody may listen', async (t) => {
  const { chain } = await setUp(t)
  const { authorizePublish } = createNotary({ chain, protect: [{ filter: '#', signed: true }] })
  // The hook changes the packet that the engine goes on with.
  const packet = packetOf({ retain: true, properties: { userProperties: { secret: 'x' } } } as Partial<PublishPacket>)
  const answer = await new Promise((resolve) => authorizePublish(clientOf(4), packet, resolve))
  const { topic, payload, retain, properties } = packet
  assert.deepEqual([answer, topic, payload.length, retain, properties], [null, sinkTopic, 0, false, undefined])
})

test('a publish whose client is gone is delivered all the same, since it is recorded', async (t) => {
  const { publish, chain } = await setUp(t)
  const routed: PublishPacket[] = []
  const broker = {
    publish: (packet: PublishPacket, done: () => void) => {
      routed.push(packet)
      done()
    },
  }
  const gone = clientOf(4, { conn: { destroyed: true }, broker })
  const answered = publish(gone, { topic: 'plant/gone' }).then(() => 'answered')
  while (routed.length === 0) await turns()
  assert.deepEqual([routed[0]?.topic, chain.state.frontier.size], ['plant/gone', 3])
  assert.equal(await Promise.race([answered, turns().then(() => 'not answered')]), 'not answered')
})

test('a will needs no client, and is recorded under the id that it was stored with', async (t) => {
  const { publish, chain } = await setUp(t)
  // The engine hands over the map out of the CONNECT packet: without a command.
  const will = { cmd: undefined, topic: 'plant/will', clientId: 'dead' } as unknown as Partial<PublishPacket>
  assert.equal(await publish(null, will), null)
  assert.equal(await publish(null, { ...will, topic: 'safe/will' }), null, 'nobody is left to be told')
  assert.equal(chain.state.frontier.size, 3)
})

test('a check that throws refuses its publish and nothing else', async (t) => {
  const boom = new Error('boom')
  const { publish, errors, refusals, chain } = await setUp(t, {
    publisherOf: (client) => {
      if (client.id === 'bad') throw boom
      return { clientId: client.id, username: undefined, auth: 'none', listener: '', isTls: false }
    },
    onRequest: () => {
      throw boom
    },
  })
  assert.equal((await publish(clientOf(5, { id: 'bad' }), {}))?.message, 'not authorized')
  assert.equal((await publish(clientOf(5), { topic: '$notary/admin/request' }))?.message, 'not authorized')
  assert.equal(await publish(clientOf(5), {}), null)
  assert.deepEqual(errors, [boom, boom])
  assert.deepEqual(
    refusals.map(({ cause }) => cause),
    ['hook-failed'],
  )
  assert.equal(chain.state.frontier.size, 3)
})

test('when the chain is closed nothing is answered, neither yes nor no', async (t) => {
  const { publish, chain, errors } = await setUp(t)
  await chain.close()
  for (const topic of ['plant/1', 'safe/1']) {
    const answered = publish(clientOf(5), { topic }).then(() => 'answered')
    assert.equal(await Promise.race([answered, turns().then(() => 'not answered')]), 'not answered')
  }
  assert.deepEqual(
    errors.map((error) => (error as { code?: string }).code),
    ['ERR_CHAIN_CLOSED', 'ERR_CHAIN_CLOSED'],
  )
})
