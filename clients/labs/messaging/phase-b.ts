import { keyringOf } from '../../cli/keyring-files.ts'
import { performKeyExchange } from '../../key-exchange/index.ts'
import { publishAndReceive, tamper } from './messages.ts'
import { Party } from './party.ts'
import { enrol, ownIdentity, type Scene, showBroker } from './scene.ts'

/**
 * Phase B: the same key exchange over MQTT topics, then signed and MACed publishes, and altered ones.
 * @returns the sequence numbers of the genuine messages, but for those that were tampered with
 */
export async function phaseB(scene: Scene): Promise<readonly number[]> {
  const { story } = scene
  const identity = ownIdentity(scene)
  const keyring = keyringOf([scene.keys])
  const sender = await Party.connect(scene.flags, keyring)
  const receiver = await Party.connect({ ...scene.flags, id: undefined }, keyring)
  try {
    const { brokerKey, brokerId } = (await showBroker(scene, sender)).statement
    await enrol(scene, identity, brokerId)
    story.step('The same key exchange over MQTT topics')
    const session = await performKeyExchange(sender.client, identity, { brokerKey })
    story.check(true, "answered by the broker's key: both have the session key")
    const exchange = { sender, receiver, identity, session }
    const numbers = await publishAndReceive(scene, exchange)
    await tamper(scene, exchange)
    return numbers
  } finally {
    await receiver.close()
    await sender.close()
  }
}
