import { decodeRecord, fromBase64url, type RecordJson, toHex } from '../../../protocol/index.ts'
import { type AdminClient, withAdminClient } from '../../cli/admin-client.ts'
import { keyringOf } from '../../cli/keyring-files.ts'
import { printable } from '../../cli/printable.ts'
import { queryRecords } from '../../cli/query-pages.ts'
import { LabChain } from './alterations.ts'
import { tamperedTopic } from './messages.ts'
import { Party } from './party.ts'
import { phaseB } from './phase-b.ts'
import { labTopic, ownTopic, provenBroker, type Scene } from './scene.ts'
import { fetchChain } from './stored-chain.ts'

/** More are not altered one by one; they are spread over the chain. */
const maxAltered = 64
/** Milliseconds: a broker may have a long chain to verify. */
const verifyTimeoutMs = 600_000

/** Phase C: every verified message is in the chain, and an alteration of any stored block is found and located. */
export async function phaseC(scene: Scene): Promise<void> {
  const { story } = scene
  await withAdminClient({ ...scene.flags, id: undefined }, async (admin) => {
    const begun = await admin.request('audit.status', {})
    const numbers = await phaseB(scene)
    await showRecords(scene, admin, begun.treeSize, numbers)

    story.step('The broker verifies its own chain, then we verify it without its help')
    const live = await admin.request('audit.verify', {}, verifyTimeoutMs)
    story.check(live.ok, `it says: ${live.checked} records are whole, ${live.signatures} signatures verified`)
    const blocks = await fetchChain(admin)
    const chain = await LabChain.of(blocks, await brokerKeyOf(scene))
    const { fault, records, signatures } = await chain.verify()
    story.check(
      fault === undefined,
      `we say: ${records} records in ${blocks.length} blocks and ${signatures} signatures, by its key alone`,
    )
    await alterBlocks(scene, chain, blocks.length)
  })
}

async function brokerKeyOf(scene: Scene) {
  const party = await Party.connect({ ...scene.flags, id: undefined }, keyringOf([scene.keys]))
  try {
    return (await provenBroker(scene, party)).statement.brokerKey
  } finally {
    await party.close()
  }
}

async function showRecords(
  { story }: Scene,
  admin: AdminClient,
  fromIndex: number,
  numbers: readonly number[],
): Promise<void> {
  story.step('The chain: timestamp, sender, content and HMAC of every message')
  const records: RecordJson[] = []
  const query = { topic: `${ownTopic}/#`, fromIndex, include: ['record', 'payload'] } as const
  for await (const record of queryRecords(admin, query, Number.MAX_SAFE_INTEGER)) {
    if (record.kind === 'publish') records.push(record)
  }
  for (const record of records) story.show(lineOf(record))
  const [genuine, tampered] = [false, true].map((isTampered) =>
    records.filter(({ topic }) => (topic === tamperedTopic) === isTampered),
  )
  story.check(genuine?.map(({ seq }) => seq).join() === numbers.join(), 'each genuine message is there once')
  story.check(tampered?.length === 1, 'of all the tampered ones, the genuine one alone')
  story.check(
    records.every(({ outcome }) => outcome === 'signed'),
    "each has the sender's signature",
  )
}

function lineOf({ index, time, subject, seq, topic = '', payload, record }: RecordJson): string {
  const mac = record === undefined ? undefined : decodeRecord(fromBase64url(record)).mac
  const content = payload === undefined ? '' : Buffer.from(payload, 'base64url').toString()
  const hmac = mac === undefined ? 'none' : toHex(mac.tag).slice(0, 16)
  const line = `${index}  ${time}  ${subject} #${seq}  ${topic.slice(labTopic.length + 1)} "${content}"  hmac ${hmac}`
  return printable(line)
}

async function alterBlocks({ story }: Scene, chain: LabChain, blocks: number): Promise<void> {
  story.step('One bit of a stored block is altered, block after block, in a copy')
  const causes = new Map<string, number>()
  const step = Math.ceil(blocks / maxAltered)
  let count = 0
  for (let height = 0; height < blocks; height += step) {
    const found = await chain.verifyAltered(height, count)
    // Each alteration that is found where it was made is shown as one of a sum.
    if (found?.block !== height) story.check(false, `the alteration of block ${height} was located`)
    else causes.set(found.cause, (causes.get(found.cause) ?? 0) + 1)
    count++
  }
  story.check(true, `${count} alterations, each found and its block named`)
  for (const [cause, times] of causes) story.show(`${times} times ${cause}`)
}
