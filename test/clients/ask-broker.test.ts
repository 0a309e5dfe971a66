import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { askBroker } from '../../clients/ask-broker.ts'
import { isSubscriptionRefused } from '../../clients/mqtt-js.ts'
import { startBroker } from '../helpers/broker.ts'
import { TestClient } from '../helpers/mqtt-clients.ts'
import { drop, isPacket, TamperingProxy } from '../helpers/tampering-proxy.ts'

const question = { requestTopic: 'question', responseTopic: 'answer', payload: new Uint8Array(1) }
/** Nobody but somebody may hear it. */
const refusedTopic = '$notary/rejected/somebody'

async function clientOverNetwork(t: TestContext) {
  const { port } = await startBroker(t)
  const network = await TamperingProxy.start(t, port)
  return { network, mqtt: (await TestClient.connect(t, network.port)).mqtt }
}

test('a broker that does not even acknowledge the subscription is waited for no longer than was said', async (t) => {
  const { network, mqtt } = await clientOverNetwork(t)
  const dropped = network.attack('to client', isPacket('suback'), drop)
  await assert.rejects(askBroker(mqtt, { ...question, timeoutMs: 100 }), { code: 'ERR_TIMEOUT' })
  await dropped
  assert.deepEqual(network.seenSoFar('to broker', isPacket('publish')), [])
})

test('a broker that refuses the subscription is told from a connection that breaks before it answers', async (t) => {
  const { network, mqtt } = await clientOverNetwork(t)
  const isRefused = (error: unknown) => isSubscriptionRefused(error)
  await assert.rejects(mqtt.subscribeAsync(refusedTopic), isRefused)
  await assert.rejects(askBroker(mqtt, { ...question, responseTopic: refusedTopic }), { code: 'ERR_REFUSED' })
  network.attack('to client', isPacket('suback'), (_unit, done) => {
    done()
    network.cut()
    return []
  })
  const [subscribed, asked] = await Promise.allSettled([mqtt.subscribeAsync('a'), askBroker(mqtt, question)])
  assert.ok(subscribed.status === 'rejected' && !isSubscriptionRefused(subscribed.reason))
  assert.equal(asked.status === 'rejected' && asked.reason.code, 'ERR_CONNECTION')
})
