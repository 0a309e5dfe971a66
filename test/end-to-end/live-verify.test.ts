import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { SessionStore } from '../../broker/sessions/session-store.ts'
import type { StoredBlock } from '../../plugins/audit-chain/index.ts'
import { AnchorFile, LevelAuditStore } from '../../plugins/index.ts'
import { adminResponseTopic, requestTopic } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'
import { until } from '../helpers/test-sessions.ts'

const verifyRequest = JSON.stringify({ jsonrpc: '2.0', id: 'v', method: 'audit.verify', params: {} })
/** Each makes a block that is looked at by itself: more than the bytes that are asked for at a time. */
const bodies = Array.from({ length: 8 }, (_, n) => Buffer.alloc(70_000, n))

/** The next reading of all blocks goes on only when the test says so. */
class SlowReading {
  /** Blocks that were given out. */
  given = 0
  readonly begun: Promise<void>
  readonly ended: Promise<void>
  #letGo: (pauseMs: number) => void = () => {}

  constructor() {
    const store = LevelAuditStore.prototype
    const { blocks } = store
    const released = new Promise<number>((resolve) => {
      this.#letGo = resolve
    })
    let begin = () => {}
    let end = () => {}
    this.begun = new Promise((resolve) => {
      begin = resolve
    })
    this.ended = new Promise((resolve) => {
      end = resolve
    })
    const reading = this
    store.blocks = async function* (fromIndex?: number): AsyncGenerator<StoredBlock> {
      store.blocks = blocks
      try {
        for await (const block of blocks.call(this, fromIndex)) {
          reading.given++
          yield block
          begin()
          await wait(await released)
        }
      } finally {
        end()
      }
    }
  }

  /** @param pauseMs after each block */
  letGo(pauseMs: number): void {
    this.#letGo(pauseMs)
  }
}

async function start(t: TestContext) {
  const { port } = await startBroker(t)
  const publisher = await TestClient.connect(t, port)
  for (const body of bodies) assert.equal(await publisher.publish('large', body), 0)
  const client = await TestClient.connect(t, port, { clientId: 'auditor' })
  await TestAdmin.over(client)
  const reading = new SlowReading()
  await client.publish(requestTopic.admin, verifyRequest)
  await reading.begun
  const answers = () =>
    client.received
      .filter(({ topic }) => topic === adminResponseTopic('auditor'))
      .map(({ payload }) => JSON.parse(payload.toString()))
  return { port, publisher, client, reading, answers }
}

test('publishes go on being acknowledged while the chain is verified, which tells how far it is', async (t) => {
  const { publisher, client, reading, answers } = await start(t)
  for (let n = 0; n < 50; n++) assert.equal(await publisher.publish('meanwhile', `${n}`), 0)
  assert.deepEqual(answers(), [], 'all of that before the verification ended')
  reading.letGo(100)
  await client.waitFor(1, ({ payload }) => payload.includes('"result"'))
  const all = answers()
  const { id, result } = all.pop()
  assert.equal(id, 'v')
  assert.equal(result.ok, true)
  assert.ok(all.length > 0, 'no progress was told in half a second and more')
  for (const { method, params, id: ownId } of all) {
    assert.deepEqual([method, params.id, ownId], ['audit.progress', 'v', undefined])
    assert.ok(params.records > 0 && params.records <= params.total, JSON.stringify(params))
  }
})

test('a verification whose requester disconnects is stopped, and another one may be asked for', async (t) => {
  const { port, client, reading } = await start(t)
  const admin = await TestAdmin.connect(t, port)
  await admin.refuses('audit.verify', {}, 'too-busy')
  client.vanish()
  reading.letGo(100)
  await reading.ended
  assert.ok(reading.given < bodies.length, `all ${reading.given} blocks were read`)
  await admin.client.publish(requestTopic.admin, verifyRequest)
  await admin.client.waitFor(1, ({ payload }) => payload.includes('"ok":true'))
})

test('a live chain is held against its anchor, and so are queues against the chain', async (t) => {
  const anchor = new AnchorFile(join(temporaryDirectory(t), 'anchor'))
  const { port, broker } = await startBroker(t, { anchors: [anchor.place], checkpointIntervalMs: 100 })
  const admin = await TestAdmin.connect(t, port)
  const away = await TestClient.connect(t, port, {
    clientId: 'press-7',
    clean: false,
    properties: { sessionExpiryInterval: 600 },
  })
  await away.subscribe('plant/#', 1)
  await away.end()
  assert.equal(await admin.client.publish('plant/1', 'waits', { qos: 1 }), 0)
  await until(() => existsSync(anchor.path))
  const found = async () => {
    const { ok, firstBad } = await admin.request('audit.verify', {})
    return ok ? 'ok' : firstBad
  }
  assert.equal(await found(), 'ok')
  writeFileSync(anchor.path, 'nothing that was signed')
  assert.deepEqual(await found(), { cause: 'checkpoint-invalid', block: 0, index: 0, place: anchor.place })
  rmSync(anchor.path)
  assert.equal(await found(), 'ok', 'it is written again with the next checkpoint')
  const { queues } = new SessionStore(broker.chain.database, false).sublevels
  const [key] = await queues.keys().all()
  assert.ok(key !== undefined, 'the message is in a queue')
  await queues.put(key, Uint8Array.of(0xff))
  assert.deepEqual(await found(), { cause: 'reference-dangling', block: 0, index: 0, place: 'queue of press-7' })
})
