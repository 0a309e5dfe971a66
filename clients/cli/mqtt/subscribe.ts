import { ErrorWithSubackPacket, type IClientSubscribeOptions } from 'mqtt'
import { ClientError } from '../../errors.ts'
import type { NotaryClient } from '../../sdk/index.ts'
import type { Output } from '../command.ts'

/** What is refused is told, and the others go on. @throws {ClientError} ERR_REFUSED when none was granted, ERR_CONNECTION */
export async function subscribeTo(
  client: NotaryClient,
  filters: readonly string[],
  subscribe: IClientSubscribeOptions,
  output: Output,
): Promise<void> {
  try {
    await client.subscribeAsync([...filters], subscribe)
  } catch (cause) {
    // MQTT.js throws one without a packet when the connection breaks.
    const packet =
      cause instanceof ErrorWithSubackPacket ? (cause.packet as typeof cause.packet | undefined) : undefined
    if (packet === undefined) {
      throw new ClientError('ERR_CONNECTION', 'the connection broke before the subscriptions stood', {}, cause)
    }
    const granted = packet.granted as readonly number[]
    const refused = filters.filter((_, index) => (granted[index] ?? 0x80) >= 0x80)
    if (refused.length === filters.length) {
      throw new ClientError('ERR_REFUSED', 'the broker refused all subscriptions', {}, cause)
    }
    for (const filter of refused) output.error(`notarymq sub: the broker refused ${filter}`)
  }
}
