import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBroker } from '../helpers/broker.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'

for (const protocolVersion of [3, 4, 5] as const) {
  for (const clean of [true, false]) {
    const kind = `version ${protocolVersion}, ${clean ? 'clean' : 'persistent'} session`
    test(`a message that matches several subscriptions of a client is delivered once (${kind})`, async (t) => {
      const { port } = await startBroker(t)
      const subscriber = await TestClient.connect(t, port, {
        clientId: 'overlapping',
        clean,
        protocolVersion,
        ...(protocolVersion === 5 && !clean ? { properties: { sessionExpiryInterval: 60 } } : undefined),
      })
      for (const filter of ['#', 'a/#', 'a/b', '+/b']) await subscriber.subscribe(filter, 0)
      const publisher = await TestClient.connect(t, port, { protocolVersion })
      const expected: string[] = []
      for (let n = 0; n < 20; n++) {
        await publisher.publish('a/b', String(n), { qos: (n % 3) as 0 | 1 | 2 })
        expected.push(String(n))
      }
      await publisher.publish('a/end', 'end', { qos: 1 })
      await subscriber.waitFor(1, ({ topic }) => topic === 'a/end')
      const received = subscriber.received.filter(({ topic }) => topic === 'a/b').map(({ payload }) => String(payload))
      assert.deepEqual(received.sort(), expected.sort())
    })
  }
}
