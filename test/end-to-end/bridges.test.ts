import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { BridgeOptions, BridgeTopic } from '../../broker/bridges/bridge-options.ts'
import { bridgeOptions, topicLine as plainLine } from '../broker/bridges/bridge-fixture.ts'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { temporaryDirectory } from '../helpers/temporary.ts'

/** A `topic` line with prefixes. */
function topicLine(
  filter: string,
  direction: BridgeTopic['direction'],
  qos: 0 | 1 | 2,
  localPrefix = '',
  remotePrefix = '',
): BridgeTopic {
  return { ...plainLine(filter, direction, qos), localPrefix, remotePrefix }
}

/** Two of our brokers; the second one has a bridge to the first, as its configuration would make it. */
async function bridged(t: TestContext, options: Partial<BridgeOptions>, more: object = {}) {
  const remote = await startBroker(t)
  const local = await startBroker(t, {
    bridges: [bridgeOptions(remote.port, { notifications: true, ...options })],
    ...more,
  })
  const [there, here] = [await TestClient.connect(t, remote.port), await TestClient.connect(t, local.port)]
  await here.subscribe('$SYS/broker/connection/+/state', 0)
  for (let i = 0; i < 400 && here.received.at(-1)?.payload.toString() !== '1'; i++) await wait(25)
  assert.equal(here.received.at(-1)?.payload.toString(), '1', 'the bridge is up')
  return { remote, local, there, here }
}

test('a bridge of the configuration carries messages both ways, each once, and its records name it', async (t) => {
  const topics = [topicLine('#', 'both', 2, 'site/', 'cloud/')]
  const { local, there, here } = await bridged(t, { topics })
  await here.subscribe('site/#', 2)
  await there.subscribe('cloud/#', 2)
  assert.equal(await here.publish('site/a', 'from here', { qos: 2 }), 0)
  assert.equal(await there.publish('cloud/b', 'from there', { qos: 1 }), 0)
  const texts = (client: TestClient, prefix: string) =>
    client.received.filter(({ topic }) => topic.startsWith(prefix)).map(({ topic, payload }) => `${topic} ${payload}`)
  await there.waitFor(2, ({ topic }) => topic.startsWith('cloud/'))
  await here.waitFor(2, ({ topic }) => topic.startsWith('site/'))
  await wait(300)
  assert.deepEqual(texts(there, 'cloud/').sort(), ['cloud/a from here', 'cloud/b from there'])
  assert.deepEqual(texts(here, 'site/').sort(), ['site/a from here', 'site/b from there'])
  const admin = await TestAdmin.connect(t, local.port)
  const { records } = await admin.request('audit.query', { topic: 'site/b' })
  assert.deepEqual(
    records.map(({ topic, storedTopic, listener }) => [topic, storedTopic, listener]),
    [['cloud/b', 'site/b', 'bridge:cloud']],
  )
})

test('the state of a bridge is told there too, and is a topic that clients may write, unlike all else below $SYS', async (t) => {
  const { there } = await bridged(t, { topics: [topicLine('x', 'out', 1)] })
  await there.subscribe('$SYS/broker/connection/#', 1)
  const [state] = await there.waitFor(1)
  assert.deepEqual([`${state?.payload}`, state?.retain], ['1', true])
  assert.equal(await there.publish('$SYS/broker/uptime', 'never'), 0x87)
})

test('neither password nor access control list stands in the way of a bridge of our own', async (t) => {
  const directory = temporaryDirectory(t)
  const [passwordFile, aclFile] = [join(directory, 'passwords'), join(directory, 'acl')]
  writeFileSync(passwordFile, '')
  // Anonymous clients read; nobody writes.
  writeFileSync(aclFile, 'topic read #\ntopic read $SYS/#\n')
  const { there, here } = await bridged(
    t,
    { topics: [topicLine('#', 'in', 1, 'site/', 'cloud/')] },
    { passwordFile, aclFile },
  )
  assert.equal(await here.publish('site/x', 'x'), 0x87)
  await here.subscribe('site/#', 1)
  await there.publish('cloud/x', 'x', { qos: 1 })
  await here.waitFor(1, ({ topic }) => topic === 'site/x')
})
