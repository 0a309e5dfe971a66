import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { freePort, spawnBroker } from '../helpers/broker.ts'
import { Bystander } from '../helpers/bystander.ts'
import { atEnd } from '../helpers/cleanup.ts'
import { connectBytes, publishBytes, subscribeBytes } from '../helpers/conformance/build.ts'
import { peakMemoryBytes } from '../helpers/memory.ts'
import { mqttVersions, TestClient } from '../helpers/mqtt-clients.ts'
import { versions } from './support.ts'

// engine.md section 9, first and last rows: traffic over WebSocket, and peers that do not read or send without end.

async function start(t: TestContext) {
  const webSocketPort = await freePort()
  const broker = await spawnBroker(t, { lines: [`listener ${webSocketPort} 127.0.0.1`, 'protocol websockets'] })
  return { broker, bystander: await Bystander.of(t, broker), url: `ws://127.0.0.1:${webSocketPort}/mqtt` }
}

async function openWebSocket(t: TestContext, url: string): Promise<WebSocket> {
  const webSocket = new WebSocket(url, 'mqtt')
  atEnd(t, () => webSocket.terminate())
  webSocket.on('error', () => {
    // Being cut off is one of the answers.
  })
  await once(webSocket, 'open')
  return webSocket
}

for (const { name, version } of mqttVersions) {
  test(`200 messages of 5 kB with QoS 0, 1 and 2 go through WebSocket, each once and in order (${name}, "200 x 5 kB")`, async (t) => {
    const { bystander, url } = await start(t)
    const client = await TestClient.connect(t, url, version)
    for (const qos of [0, 1, 2] as const) {
      assert.equal(await client.subscribe(`ws/${qos}`, qos), qos)
      const sent = Array.from({ length: 200 }, (_, i) => `${i} `.padEnd(5000, 'x'))
      // As many at a time as a Receive Maximum of 20 admits.
      for (let from = 0; from < sent.length; from += 20)
        await Promise.all(sent.slice(from, from + 20).map((payload) => client.publish(`ws/${qos}`, payload, { qos })))
      const got = await client.waitFor(200, ({ topic }) => topic === `ws/${qos}`)
      assert.deepEqual(
        got.map(({ payload }) => payload.toString()),
        sent,
      )
    }
    await bystander.assertUnharmed('WebSocket traffic')
  })
}

for (const { name, level } of versions) {
  test(`a WebSocket peer that does not read, and one that sends without end, harm nobody (${name}, "back-pressure")`, async (t) => {
    const { broker, bystander, url } = await start(t)
    const frozen = await openWebSocket(t, url)
    frozen.send(connectBytes({ level, clientId: 'frozen' }))
    frozen.send(subscribeBytes(level, 1, [['flood', 0]]))
    await once(frozen, 'message')
    frozen.pause()
    const flood = await openWebSocket(t, url)
    flood.send(connectBytes({ level, clientId: 'flood' }))
    await once(flood, 'message')
    const chunk = Buffer.concat(
      Array.from({ length: 16 }, () => publishBytes(level, { topic: 'flood', payload: Buffer.alloc(16_000) })),
    )
    for (let i = 0; i < 200; i++) {
      flood.send(chunk)
      if (flood.bufferedAmount > 4 * 1024 * 1024) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await bystander.assertUnharmed('a flood over WebSocket')
    assert.ok(peakMemoryBytes(broker.child) < 600 * 1024 * 1024, `${peakMemoryBytes(broker.child)} bytes`)
  })
}
