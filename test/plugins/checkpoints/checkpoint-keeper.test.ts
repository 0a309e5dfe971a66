import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { readEntry } from '../../../plugins/audit-chain/read-block.ts'
import {
  AuditChain,
  nativeCrypto,
  openStoreDatabase,
  PluginError,
  type PublishedCheckpoint,
  rotateKey,
} from '../../../plugins/index.ts'
import {
  cosignatureVerifier,
  cosigner,
  ed25519NoteVerifier,
  encodeSignatureLines,
  inclusionProof,
  inclusionReceipt,
  isInclusionReceiptValid,
  leafHash,
  openCheckpoint,
  parseSignedNote,
  parseVerifierKey,
  signatureBy,
  toHex,
} from '../../../protocol/index.ts'
import { appendPublishes, newestOf, openChain, openKeeper } from '../../helpers/checkpointed-chain.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { ed25519Key } from '../../helpers/notes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

function open(chain: AuditChain, note: string) {
  return openCheckpoint(note, [ed25519NoteVerifier(parseVerifierKey(chain.logVkey, nativeCrypto), nativeCrypto)])
}

test('a checkpoint states size and root of the durable chain and is signed by the log', async (t) => {
  const chain = await openChain(t)
  const keeper = await openKeeper(chain)
  assert.equal(keeper.newest, undefined)
  await appendPublishes(chain, 4)
  await keeper.make()
  const { checkpoint } = open(chain, newestOf(keeper).note)
  assert.equal(checkpoint.origin, chain.genesis.origin)
  assert.equal(checkpoint.treeSize, 5n)
  assert.equal(toHex(checkpoint.rootHash), toHex(chain.state.frontier.root()))
})

test('nothing is signed again while nothing is new', async (t) => {
  const chain = await openChain(t)
  const keeper = await openKeeper(chain)
  await keeper.make()
  const first = newestOf(keeper)
  await keeper.make()
  assert.equal(keeper.newest, first)
})

test('a checkpoint is stored before it is anchored and anchored before it is published', async (t) => {
  const chain = await openChain(t)
  const order: string[] = []
  const keeper = await openKeeper(chain, {
    anchors: [
      async ({ note }) => {
        const stored = await chain.database
          .sublevel<string, string>('checkpoint', { valueEncoding: 'utf8' })
          .get('newest')
        order.push(stored === note ? 'anchored what is stored' : 'anchored something else')
      },
    ],
  })
  keeper.onPublished(() => order.push('published'))
  await keeper.make()
  assert.deepEqual(order, ['anchored what is stored', 'published'])
})

test('what could not be anchored is never published, and the next checkpoint is tried again', async (t) => {
  const chain = await openChain(t)
  const failure = new Error('the other disk is gone')
  const errors: unknown[] = []
  let isGone = true
  const keeper = await openKeeper(chain, {
    anchors: [() => (isGone ? Promise.reject(failure) : Promise.resolve())],
    onError: (error) => errors.push(error),
  })
  let published = 0
  keeper.onPublished(() => published++)
  await keeper.make()
  assert.deepEqual(errors, [failure])
  assert.equal(published, 0)
  assert.equal(keeper.newest, undefined)
  isGone = false
  await keeper.make()
  assert.equal(published, 1)
})

test('checkpoints are made at the interval, of whatever was appended meanwhile', async (t) => {
  const chain = await openChain(t)
  const keeper = await openKeeper(chain)
  atEnd(t, () => keeper.close())
  keeper.start()
  await appendPublishes(chain, 3)
  const covering = await keeper.covering(3, 10_000)
  assert.equal(covering?.treeSize, 4)
})

test('another interval holds at once, and asking for the same one again puts nothing off', async (t) => {
  const chain = await openChain(t)
  let intervalMs = 86_400_000
  const keeper = await openKeeper(chain, { intervalMs: () => intervalMs })
  atEnd(t, () => keeper.close())
  keeper.start()
  intervalMs = 300
  keeper.start()
  const again = setInterval(() => keeper.start(), 20)
  atEnd(t, () => clearInterval(again))
  assert.equal((await keeper.covering(0, 10_000))?.treeSize, 1)
})

test('who waits for a record that no checkpoint covers in time is told so', async (t) => {
  const keeper = await openKeeper(await openChain(t))
  assert.equal(await keeper.covering(7, 5), undefined)
})

test('whoever still waits at the end is answered then', async (t) => {
  const chain = await openChain(t)
  const keeper = await openKeeper(chain)
  const [covered, beyond] = [keeper.covering(0, 60_000), keeper.covering(7, 60_000)]
  await keeper.close()
  assert.equal((await covered)?.treeSize, 1)
  assert.equal(await beyond, undefined)
})

test('the end leaves a checkpoint of everything behind, and the next start has it', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const chain = await AuditChain.open({ location })
  const keeper = await openKeeper(chain)
  await appendPublishes(chain, 2)
  await keeper.close()
  const { note } = newestOf(keeper)
  await chain.close()
  const again = await openKeeper(await openChain(t, { location }))
  assert.equal(again.newest?.note, note)
  assert.equal(again.newest?.treeSize, 3)
})

test('a checkpoint in the store that the chain does not extend stops the start', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const chain = await AuditChain.open({ location })
  const keeper = await openKeeper(chain)
  await keeper.make()
  await chain.close()
  const { note: signed } = newestOf(keeper)
  for (const changed of [signed.replace(/\n1\n/, '\n2\n'), signed.replace(/ ....(?=[^ ]*\n$)/, ' AAAA')]) {
    assert.notEqual(changed, signed)
    const database = await openStoreDatabase(location, false)
    const checkpoints = database.sublevel<string, string>('checkpoint', { valueEncoding: 'utf8' })
    await checkpoints.put('newest', changed)
    await database.close()
    const opened = await AuditChain.open({ location })
    await assert.rejects(
      openKeeper(opened),
      (error) => error instanceof PluginError && error.code === 'ERR_CHAIN_DAMAGED',
    )
    await opened.close()
  }
})

test('a checkpoint of another chain in the store stops the start', async (t) => {
  const chain = await openChain(t)
  const other = await openChain(t)
  const { genesis, logKey, registry } = chain
  const { brokerKey, database, outage, state, tiles } = other
  const record = other.record.bind(other)
  const signedByUs = await openKeeper({ brokerKey, database, genesis, logKey, outage, record, registry, state, tiles })
  await signedByUs.make()
  const checkpoints = chain.database.sublevel<string, string>('checkpoint', { valueEncoding: 'utf8' })
  await checkpoints.put('newest', newestOf(signedByUs).note)
  await assert.rejects(openKeeper(chain), (error) => error instanceof PluginError && error.code === 'ERR_CHAIN_DAMAGED')
})

test('after a rotation of the log key the same tree is signed by the new one', async (t) => {
  const location = join(temporaryDirectory(t), 'data')
  const chain = await AuditChain.open({ location })
  const keeper = await openKeeper(chain)
  await appendPublishes(chain, 2)
  await keeper.close()
  await chain.close()
  await rotateKey(location, 'log', {}, () => {})
  const reopened = await openChain(t, { location })
  const again = await openKeeper(reopened)
  assert.equal(open(reopened, newestOf(again).note).checkpoint.treeSize, 3n)
})

test('receipts made from the signed root verify for every leaf', async (t) => {
  const chain = await openChain(t)
  await appendPublishes(chain, 6)
  const keeper = await openKeeper(chain)
  await keeper.make()
  const { signedRoot, treeSize } = newestOf(keeper)
  const trust = { brokerKey: chain.genesis.brokerKey, issuer: chain.genesis.origin }
  for (let index = 0; index < treeSize; index++) {
    const proof = await inclusionProof(index, treeSize, chain.tiles, nativeCrypto)
    const entry = (await readEntry(chain.store, index)) ?? assert.fail('no entry')
    const receipt = inclusionReceipt(signedRoot, proof)
    assert.ok(await isInclusionReceiptValid(receipt, leafHash(entry.leaf, nativeCrypto), trust, nativeCrypto))
  }
})

test('cosignatures of configured witnesses are kept and published, those of strangers are not', async (t) => {
  const chain = await openChain(t)
  const ours = cosigner('witness.example', ed25519Key(1), 1_767_225_600, nativeCrypto)
  const strange = cosigner('stranger.example', ed25519Key(2), 1_767_225_600, nativeCrypto)
  const keeper = await openKeeper(chain, { witnesses: [cosignatureVerifier(ours.key, nativeCrypto)] })
  const published: PublishedCheckpoint[] = []
  keeper.onPublished((checkpoint) => published.push(checkpoint))
  await keeper.make()
  const { note, treeSize } = newestOf(keeper)
  const { text } = parseSignedNote(note)
  const lines = encodeSignatureLines([signatureBy(strange, text), signatureBy(ours, text)])
  const cosigned = await keeper.addCosignatures(treeSize, lines)
  assert.deepEqual(
    parseSignedNote(cosigned?.note ?? '').signatures.map(({ name }) => name),
    [chain.genesis.origin, 'witness.example'],
  )
  assert.equal(published.at(-1)?.note, cosigned?.note)
  const again = await openKeeper(chain)
  assert.equal(again.newest?.note, cosigned?.note)
  assert.equal(await keeper.addCosignatures(treeSize + 1, lines), undefined)
})
