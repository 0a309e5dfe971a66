/** Somebody on the network between a device and a `notary-link` listener: the MACs of the frames catch whatever he does. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { exchangeOverLink } from '../../clients/key-exchange/index.ts'
import { encodeFrame } from '../../protocol/index.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { keysDirectory } from '../helpers/key-files.ts'
import { newIdentity } from '../helpers/signing-identity.ts'
import {
  type Attack,
  drop,
  flip,
  inject,
  linkFrame,
  reorder,
  replay,
  TamperingProxy,
} from '../helpers/tampering-proxy.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

const host = '127.0.0.1'
const topic = 'plant/1'
const forgedFrame = encodeFrame(Buffer.from('hello'), new Uint8Array(32).fill(7))
const anyFrame = () => true

interface LinkAttack {
  readonly what: string
  readonly attack: () => Attack
  /** Of two messages: how many are recorded at most when it is done to the first, on the way to the broker. */
  readonly mostRecorded: number
}

const attacks: readonly LinkAttack[] = [
  { what: 'a bit flipped in a content', attack: () => flip(() => 4), mostRecorded: 0 },
  { what: 'a bit flipped in a MAC', attack: () => flip((frame) => frame.length - 1), mostRecorded: 0 },
  { what: 'a dropped frame', attack: () => drop, mostRecorded: 0 },
  { what: 'a replayed frame', attack: () => replay, mostRecorded: 1 },
  { what: 'two frames in another order', attack: reorder, mostRecorded: 0 },
  { what: 'a frame that was put in', attack: () => inject(forgedFrame), mostRecorded: 0 },
]

/** A device whose key exchange is over, behind somebody on the network. */
async function scene(t: TestContext) {
  const identity = newIdentity(t)
  const path = join(temporaryDirectory(t), 'log')
  const { broker, port } = await startBroker(t, {
    keysDirectory: keysDirectory(t, { device: identity.key }),
    listeners: [
      { protocol: 'mqtt', port: 0, host },
      { protocol: 'notary-link', port: 0, host },
    ],
    log: { destinations: [{ kind: 'file', path }], types: ['notice'], timestamps: false },
  })
  const linkPort = broker.listeners.find(({ protocol }) => protocol === 'notary-link')?.port ?? assert.fail()
  const proxy = await TamperingProxy.start(t, linkPort, linkFrame)
  const socket = connect(proxy.port, host)
  atEnd(t, () => socket.destroy())
  await once(socket, 'connect')
  const link = await exchangeOverLink(socket, identity, { clientId: 'press-7', brokerKey: broker.chain.brokerKey })
  const publish = (text: string) => link.publish(topic, Buffer.from(text))
  return { proxy, publish, admin: await TestAdmin.connect(t, port), logged: (pattern: RegExp) => logged(path, pattern) }
}

/** Resolves when a line of the log matches. */
async function logged(path: string, line: RegExp): Promise<void> {
  while (!line.test(readFileSync(path, 'utf8'))) await sleep(10)
}

for (const { what, attack, mostRecorded } of attacks) {
  test(`${what} on the way to the broker is caught by the MAC of the frame: the link is closed`, async (t) => {
    const { proxy, publish, admin, logged } = await scene(t)
    proxy.attack('to broker', anyFrame, attack())
    const answers = await Promise.allSettled([publish('first'), publish('second')])
    const codes = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.code : 'answered'))
    assert.equal(codes[1], 'ERR_CONNECTION')
    await logged(/^Link from 127\.0\.0\.1:\d+ closed: ERR_MAC_INVALID\.$/m)
    const records = await admin.publishes({ topic })
    assert.ok(records.length <= mostRecorded, `${records.length} were recorded`)
  })

  test(`${what} on the way to the device is caught by the MAC of the frame: the answer is not believed`, async (t) => {
    const { proxy, publish, admin } = await scene(t)
    proxy.attack('to client', anyFrame, attack())
    const answers = await Promise.allSettled([publish('first'), publish('second')])
    const codes = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.code : 'answered'))
    assert.ok(codes.includes('ERR_BROKER_UNPROVEN'), String(codes))
    assert.ok((await admin.publishes({ topic })).length > 0)
  })
}
