import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createWebSocketStream, WebSocket } from 'ws'
import { atEnd } from '../../helpers/cleanup.ts'
import { connectBytes, pingBytes } from '../../helpers/conformance/build.ts'
import { Peer } from '../../helpers/conformance/peer.ts'
import { type BrokerUnderTest, conformance, newClientId, newTopic, versions } from '../../helpers/conformance/suite.ts'

async function openWebSocket({ t, webSocket: { host, port } }: BrokerUnderTest, protocols: string[]) {
  const webSocket = new WebSocket(`ws://${host}:${port}/mqtt`, protocols)
  atEnd(t, () => webSocket.terminate())
  webSocket.on('error', () => {
    // The end is what matters, and `close` follows.
  })
  await once(webSocket, 'open')
  return webSocket
}

conformance('WebSocket, both versions', (test) => {
  test('[MQTT-3.1.1 6.0.0-4] [MQTT-5.0 6.0.0-4] the server selects the sub-protocol mqtt', async (broker) => {
    assert.equal((await openWebSocket(broker, ['mqtt'])).protocol, 'mqtt')
    assert.equal((await openWebSocket(broker, ['other', 'mqtt'])).protocol, 'mqtt')
  })

  for (const { name, level } of versions) {
    test(`[MQTT-3.1.1 6.0.0-1] [MQTT-5.0 6.0.0-1] packets travel both ways in binary frames (${name})`, async (broker) => {
      const webSocket = await openWebSocket(broker, ['mqtt'])
      const binary: boolean[] = []
      webSocket.on('message', (_, isBinary) => binary.push(isBinary))
      const topic = newTopic()
      const peer = new Peer(createWebSocketStream(webSocket), level, newClientId())
      assert.equal((await peer.connect()).reasonCode, 0)
      await peer.subscribe([[topic, 1]])
      await peer.publish({ topic, qos: 1, payload: Buffer.alloc(70_000, 0xfe) })
      assert.equal((await peer.receive()).payload.length, 70_000)
      assert.ok(binary.length >= 4 && binary.every((is) => is))
      assert.equal(peer.fault, undefined)
    })

    test(`[MQTT-3.1.1 6.0.0-1] [MQTT-5.0 6.0.0-1] a text frame ends the connection (${name})`, async (broker) => {
      const webSocket = await openWebSocket(broker, ['mqtt'])
      const clientId = newClientId()
      webSocket.send(connectBytes({ level, clientId }))
      await once(webSocket, 'message')
      const closed = once(webSocket, 'close', { signal: AbortSignal.timeout(20_000) })
      webSocket.send(pingBytes.toString('latin1'), { binary: false })
      await closed
    })

    test(`[MQTT-3.1.1 6.0.0-2] [MQTT-5.0 6.0.0-2] frames may hold parts of packets, or several (${name})`, async (broker) => {
      const webSocket = await openWebSocket(broker, ['mqtt'])
      const peer = new Peer(createWebSocketStream(webSocket), level, newClientId())
      const connect = connectBytes({ level, clientId: peer.clientId })
      for (const byte of connect) webSocket.send(Buffer.from([byte]))
      assert.equal((await peer.next('connack')).reasonCode, 0)
      webSocket.send(Buffer.concat([pingBytes, pingBytes, pingBytes.subarray(0, 1)]))
      await peer.next('pingresp')
      await peer.next('pingresp')
      webSocket.send(pingBytes.subarray(1))
      await peer.next('pingresp')
    })
  }
})
