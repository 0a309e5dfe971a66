import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { TestClient } from './mqtt-clients.ts'
import { RawPublisher } from './raw-publisher.ts'

/** A persistent subscriber that goes offline at once. */
export async function offlineSubscriber(
  t: TestContext,
  port: number,
  filter: string,
  clientId = 'offline',
): Promise<void> {
  const client = await TestClient.connect(t, port, { clientId, clean: false, protocolVersion: 4 })
  assert.equal(await client.subscribe(filter, 1), 1)
  await client.end()
}

/** Connects to a session again. */
export const resume = (t: TestContext, port: number, clientId = 'offline') =>
  TestClient.connect(t, port, { clientId, clean: false, protocolVersion: 4 })

/** Payloads in the order of arrival. */
export const texts = (client: TestClient) => client.received.map(({ payload }) => payload.toString())
/** `from` to `to - 1` as text. */
export const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`)

/** Publishes `from` to `to - 1`, pipelined. */
export async function publishNumbers(
  port: number,
  topic: string,
  from: number,
  to: number,
  qos: 1 | 2 = 1,
): Promise<void> {
  const messages = numbered(from, to).map((text) => ({ topic, payload: Buffer.from(text) }))
  const publisher = new RawPublisher(messages, { clientId: `numbers-${topic}`, qos, clean: true, window: 100 })
  assert.equal(await publisher.run(port), 'complete')
}
