import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { TestContext } from 'node:test'
import { Aedes } from 'aedes'
import { adminResponseTopic, requestTopic } from '../../protocol/index.ts'
import { atEnd } from './cleanup.ts'

/** A broker that answers every request of an administrator with these messages. @returns its port on 127.0.0.1 */
export async function brokerThatSays(t: TestContext, ...answers: readonly string[]): Promise<number> {
  const engine = await Aedes.createBroker()
  const server = createServer(engine.handle)
  engine.on('publish', (packet, client) => {
    if (client === null || packet.topic !== requestTopic.admin) return
    for (const payload of answers) {
      const response = {
        cmd: 'publish',
        topic: adminResponseTopic(client.id),
        payload,
        qos: 0,
        retain: false,
        dup: false,
      }
      engine.publish(response as Parameters<typeof engine.publish>[0], () => {})
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, async () => {
    await new Promise<void>((resolve) => engine.close(resolve))
    server.close()
  })
  return (server.address() as AddressInfo).port
}
