import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IClientOptions } from 'mqtt'
import { TestAdmin } from '../helpers/admin.ts'
import { startBroker } from '../helpers/broker.ts'
import { mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { numbered } from '../helpers/persistent-sessions.ts'

for (const { name, version } of mqttVersions) {
  test(`${name}: three workers share what is published: each message is done once, by whoever is there`, async (t) => {
    const { port } = await startBroker(t)
    const persistent = (clientId: string): IClientOptions => ({
      ...version,
      clientId,
      clean: false,
      ...(version.protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : undefined),
    })
    const workers = await Promise.all(
      ['one', 'two', 'three'].map((clientId) => TestClient.connect(t, port, persistent(clientId))),
    )
    for (const worker of workers) assert.equal(await worker.subscribe('$share/workers/jobs/#', 1), 1)
    const watcher = await TestClient.connect(t, port, version)
    await watcher.subscribe('jobs/#', 1)
    const publisher = await TestClient.connect(t, port, version)
    const publish = async (from: number, to: number) => {
      for (const text of numbered(from, to)) assert.equal(await publisher.publish(`jobs/${text}`, text), 0)
    }
    await publish(0, 30)
    await watcher.waitFor(30)
    const done = () => workers.flatMap(({ received }) => received.map(({ payload }) => Number(`${payload}`)))
    const waitForAll = async (count: number) => {
      for (let i = 0; i < 500 && done().length < count; i++) await new Promise((resolve) => setTimeout(resolve, 10))
      assert.deepEqual(
        done().sort((a, b) => a - b),
        Array.from({ length: count }, (_, i) => i),
      )
    }
    await waitForAll(30)
    for (const { received } of workers) assert.equal(received.length, 10, 'they take turns')
    // One goes while work comes in, then all do: what nobody has got is kept.
    await workers[0]?.end()
    await publish(30, 40)
    for (const worker of workers.slice(1)) await worker.end()
    await publish(40, 46)
    workers.push(
      ...(await Promise.all(['one', 'two', 'three'].map((id) => TestClient.connect(t, port, persistent(id))))),
    )
    await waitForAll(46)
    assert.equal(watcher.received.length, 46)
    const admin = await TestAdmin.connect(t, port)
    assert.equal((await admin.publishes({ topic: 'jobs/#' })).length, 46, 'each is recorded once')
  })
}
