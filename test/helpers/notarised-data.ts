import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { startBroker } from './broker.ts'
import { keysDirectory } from './key-files.ts'
import { numberedKey } from './keys.ts'
import { publishPacket } from './mqtt-bytes.ts'
import { RawMqtt } from './raw-mqtt.ts'
import { Signer } from './signing.ts'
import { copyOfData, readStoredChain, type StoredRecord } from './stored-chain.ts'
import { temporaryDirectory } from './temporary.ts'

/** What the broker of these data asks for. */
export const notarisedPolicy = [{ filter: 'safe/#', signed: true }] as const

/** The data directory of a broker that ran for a while and was stopped. */
export interface NotarisedData {
  readonly location: string
  readonly records: readonly StoredRecord[]
  /** First index of each block, by height. */
  readonly firstIndexes: readonly number[]
  /** A copy from before the last two blocks, when the broker was stopped for the first time. */
  readonly earlier: string
}

/** Publishes in one go, so that they share a block, and waits until all are acknowledged. */
async function publishTogether(client: RawMqtt, topic: string, payloads: readonly Uint8Array[]): Promise<void> {
  client.write(...payloads.map((payload, i) => publishPacket({ topic, payload, qos: 1, packetId: i + 1 })))
  for (const _ of payloads) await client.next('puback')
}

const plain = (count: number, text: string) => Array.from({ length: count }, (_, i) => Buffer.from(`${text} ${i}`))

/**
 * Runs a real broker through everything that makes records: two keys enrolled, publishes unsigned, signed and with an
 * unknown key, one key revoked, a restart, in blocks of one record and of several.
 */
export async function notarisedData(t: TestContext): Promise<NotarisedData> {
  const location = join(temporaryDirectory(t), 'data')
  const [device, stolen, stranger] = [numberedKey(21), numberedKey(22), numberedKey(23)].map((key) => new Signer(key))
  if (device === undefined || stolen === undefined || stranger === undefined) throw new Error('three signers')
  const directory = keysDirectory(t, { device: device.key, stolen: stolen.key })
  const options = { location, keysDirectory: directory, protect: notarisedPolicy } as const

  const first = await startBroker(t, options)
  const client = await RawMqtt.connect(t, first.port, { clientId: 'publisher' })
  await publishTogether(client, 'plant/door', plain(5, 'open'))
  // The signed one is verified first; what came behind it waits for its turn, so that they share a block.
  await publishTogether(client, 'safe/valve', [device.sign('safe/valve', 'shut')])
  await publishTogether(client, 'plant/mixed', [device.sign('plant/mixed', 'signed'), ...plain(4, 'behind it')])
  await publishTogether(client, 'plant/strange', [stranger.sign('plant/strange', 'who?'), ...plain(2, 'known')])
  await publishTogether(client, 'safe/valve', [stolen.sign('safe/valve', 'open')])
  await first.broker.chain.revoke(stolen.key.thumbprint, 'stolen')
  await publishTogether(client, 'safe/valve', [stolen.sign('safe/valve', 'too late')])
  await publishTogether(client, 'plant/door', plain(3, 'closed'))
  await first.broker.close()
  const earlier = copyOfData(t, location)

  const second = await startBroker(t, options)
  const again = await RawMqtt.connect(t, second.port, { clientId: 'publisher' })
  await publishTogether(again, 'plant/mixed', [device.sign('plant/mixed', 'later'), ...plain(3, 'and later')])
  await publishTogether(again, 'plant/door', plain(2, 'last'))
  await second.broker.close()

  const records = await readStoredChain(location)
  const firstIndexes: number[] = []
  for (const { block, index } of records) firstIndexes[block] ??= index
  return { location, records, firstIndexes, earlier }
}
