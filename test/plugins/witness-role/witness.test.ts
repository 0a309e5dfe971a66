import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto, PluginError } from '../../../plugins/index.ts'
import {
  bytesEqual,
  cosignatureTime,
  encodeAddCheckpoint,
  encodeSignedNote,
  parseSignedNote,
  signCheckpoint,
  signNote,
  toHex,
} from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { logKey, witnessKey } from '../../helpers/notes.ts'
import { forkedLog, growingLog } from '../../helpers/test-log.ts'
import { openCosigned, startWitness } from '../../helpers/witnessing.ts'

const origin = 'example.com/log'
const log = growingLog(origin, 40)
const fork = forkedLog(origin, 40, 10)
const logs = [log.key.verifier]
const originHash = toHex(nativeCrypto.sha256(Buffer.from(origin)))

describe('the answers of C2SP tlog-witness', () => {
  test('200 with a cosignature for the first checkpoint, whatever its size, and for each that extends the last one', async (t) => {
    const { witness, verified, verifier, events } = await startWitness(t, logs)
    for (const [oldSize, treeSize] of [
      [0, 3],
      [3, 3],
      [3, 4],
      [4, 40],
    ] as const) {
      const answer = await witness.answer(log.request(oldSize, treeSize))
      assert.equal(answer.status, 200)
      assert.equal(verified(answer.body, log.checkpoint(treeSize)).length, 1)
      const note = await witness.checkpointOf(originHash)
      assert.equal(openCosigned(note ?? '', log.key.verifier, verifier).treeSize, BigInt(treeSize))
    }
    const sizes = events.map(({ kind, treeSize }) => `${kind} ${treeSize}`)
    assert.deepEqual(sizes, ['cosigned 3', 'cosigned 4', 'cosigned 40'])
  })

  test('200 for the empty tree, which has one root', async (t) => {
    const { witness } = await startWitness(t, logs)
    assert.equal((await witness.answer(log.request(0, 0))).status, 200)
    assert.equal((await witness.answer(log.request(0, 5))).status, 200)
    const other = await startWitness(t, logs)
    const checkpoint = signCheckpoint({ origin, treeSize: 0n, rootHash: new Uint8Array(32) }, log.key.signer)
    assert.equal((await other.witness.answer(encodeAddCheckpoint({ oldSize: 0n, path: [], checkpoint }))).status, 422)
  })

  test('400 for what is no request, no checkpoint, or older than it says', async (t) => {
    const { witness } = await startWitness(t, logs)
    const note = signNote('not a checkpoint\n', [log.key.signer])
    for (const body of [
      '',
      'old 0\n',
      log.checkpoint(5),
      Uint8Array.of(0xff),
      `old 0\n\n${note}`,
      `old 00\n\n${log.checkpoint(5)}`,
      log.request(9, 5),
    ]) {
      assert.equal((await witness.answer(body)).status, 400)
    }
    assert.equal(await witness.checkpointOf(originHash), undefined)
  })

  test('403 when no key of the log signed, or a known key did not sign this', async (t) => {
    const { witness } = await startWitness(t, logs)
    const stranger = growingLog(origin, 5, 7)
    assert.equal((await witness.answer(stranger.request(0, 5))).status, 403)
    const { text } = parseSignedNote(log.checkpoint(6))
    const { signatures } = parseSignedNote(log.checkpoint(5))
    const checkpoint = encodeSignedNote({ text, signatures })
    assert.equal((await witness.answer(encodeAddCheckpoint({ oldSize: 0n, path: [], checkpoint }))).status, 403)
  })

  test('404 for a log that is not followed, also when a key of another one signed', async (t) => {
    const { witness } = await startWitness(t, logs)
    assert.equal((await witness.answer(growingLog('example.com/other', 5).request(0, 5))).status, 404)
    const checkpoint = `example.com/other${log.checkpoint(5).slice(origin.length)}`
    assert.equal((await witness.answer(encodeAddCheckpoint({ oldSize: 0n, path: [], checkpoint }))).status, 404)
  })

  test('409 with the size that was cosigned last, when the old size is another one', async (t) => {
    const { witness } = await startWitness(t, logs)
    await witness.answer(log.request(0, 7))
    for (const [oldSize, treeSize] of [
      [0, 9],
      [6, 9],
      [8, 9],
      [0, 5],
      [5, 5],
    ] as const) {
      assert.deepEqual(await witness.answer(log.request(oldSize, treeSize)), {
        status: 409,
        contentType: 'text/x.tlog.size',
        body: '7\n',
      })
    }
  })

  test('422 for a proof that does not lead there, for one from the empty tree, and for another root of the same size', async (t) => {
    const { witness } = await startWitness(t, logs)
    const path = [new Uint8Array(32)]
    const checkpoint = log.checkpoint(7)
    assert.equal((await witness.answer(encodeAddCheckpoint({ oldSize: 0n, path, checkpoint }))).status, 422)
    await witness.answer(log.request(0, 7))
    const next = log.checkpoint(9)
    assert.equal((await witness.answer(encodeAddCheckpoint({ oldSize: 7n, path, checkpoint: next }))).status, 422)
    const root = signCheckpoint({ origin, treeSize: 7n, rootHash: new Uint8Array(32) }, log.key.signer)
    assert.equal((await witness.answer(encodeAddCheckpoint({ oldSize: 7n, path: [], checkpoint: root }))).status, 422)
  })
})

test('a split view is refused and reported once: the second of two logs under one key', async (t) => {
  const { witness, events } = await startWitness(t, logs)
  await witness.answer(log.request(0, 12))
  assert.equal((await witness.answer(fork.request(12, 20))).status, 422)
  assert.equal((await witness.answer(fork.request(12, 12))).status, 422)
  assert.equal((await witness.answer(fork.request(0, 12))).status, 409)
  assert.equal((await witness.answer(log.request(12, 20))).status, 200)
  const splitViews = events.filter(({ kind }) => kind === 'split-view')
  assert.deepEqual(splitViews, [{ kind: 'split-view', origin, treeSize: 12n }])
})

test('of requests that come at once, one goes on from each size: the others are told to ask again', async (t) => {
  const { witness, verified } = await startWitness(t, logs)
  await witness.answer(log.request(0, 5))
  const sizes = Array.from({ length: 20 }, (_, i) => 6 + i)
  const answers = await Promise.all(sizes.map((treeSize) => witness.answer(log.request(5, treeSize))))
  const cosigned = answers.flatMap(({ status, body }, i) =>
    status === 200 ? [{ size: sizes[i] as number, body }] : [],
  )
  assert.equal(cosigned.length, 1)
  const [only] = cosigned
  assert.equal(verified(only?.body ?? '', log.checkpoint(only?.size ?? 0)).length, 1)
  for (const { status, body } of answers) if (status !== 200) assert.deepEqual([status, body], [409, `${only?.size}\n`])
})

test('logs are followed side by side, and one that changes its key by either of them', async (t) => {
  const second = growingLog('example.com/second', 9)
  const successor = growingLog('example.com/second', 9, 3)
  const { witness } = await startWitness(t, [...logs, second.key.verifier, successor.key.verifier])
  assert.equal((await witness.answer(log.request(0, 9))).status, 200)
  assert.equal((await witness.answer(second.request(0, 4))).status, 200)
  assert.equal((await witness.answer(successor.request(4, 9))).status, 200)
  assert.equal((await witness.answer(log.request(9, 10))).status, 200)
})

test('the time of a cosignature never goes back, and a request again in the same second gets the same answer', async (t) => {
  let seconds = 1_800_000_000
  const { witness, verified } = await startWitness(t, logs, { now: () => seconds * 1000 })
  const timeOf = async (oldSize: number, treeSize: number) => {
    const { body } = await witness.answer(log.request(oldSize, treeSize))
    const [{ signature } = { signature: new Uint8Array(0) }] = verified(body, log.checkpoint(treeSize))
    return { body, time: cosignatureTime(signature) }
  }
  const first = await timeOf(0, 5)
  assert.equal(first.time, seconds)
  assert.deepEqual(await timeOf(5, 5), first)
  seconds -= 1000
  assert.equal((await timeOf(5, 6)).time, seconds + 1000)
  seconds += 2000
  assert.equal((await timeOf(6, 6)).time, seconds)
})

test('what was cosigned is known again after a start, and signatures of others are not kept', async (t) => {
  const { signer } = witnessKey('example.com/another-witness', 9)
  const first = await startWitness(t, logs)
  const note = parseSignedNote(log.checkpoint(8))
  const cosignature = { ...signer.key, signature: signer.sign(note.text) }
  const checkpoint = encodeSignedNote({ ...note, signatures: [...note.signatures, cosignature] })
  assert.equal((await first.witness.answer(encodeAddCheckpoint({ oldSize: 0n, path: [], checkpoint }))).status, 200)
  await first.witness.close()
  const { witness, verifier } = await startWitness(t, logs, { directory: first.directory })
  const kept = await witness.checkpointOf(originHash)
  openCosigned(kept ?? '', log.key.verifier, verifier)
  assert.deepEqual(
    parseSignedNote(kept ?? '').signatures.map(({ name }) => name),
    [origin, 'example.com/witness'],
  )
  assert.equal((await witness.answer(fork.request(8, 12))).status, 200)
  assert.equal((await witness.answer(log.request(12, 13))).status, 422)
})

test('after a write that failed nothing is cosigned any more, and no cosignature went out for it', async (t) => {
  let note: string | undefined
  let fails = true
  const state = {
    readNote: () => Promise.resolve(note),
    writeNote: (_origin: string, next: string) => {
      note = next
      return fails
        ? Promise.reject(new PluginError('ERR_STORE_FAILED', 'stored, but reported failed'))
        : Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
  const { witness } = await startWitness(t, logs, { state })
  const storeFailed = { code: 'ERR_STORE_FAILED' }
  await assert.rejects(witness.answer(log.request(0, 5)), storeFailed)
  fails = false
  await assert.rejects(witness.answer(log.request(5, 6)), storeFailed)
  assert.equal((await witness.failed).code, 'ERR_STORE_FAILED')
})

test('whatever a growing and a forked log submit in whatever order, every two cosigned trees are consistent', async (t) => {
  const request = fc.record({
    isFork: fc.boolean(),
    oldSize: fc.option(fc.nat(40), { nil: undefined }),
    treeSize: fc.nat(40),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 25 }), async (requests) => {
      let note: string | undefined
      const state = {
        readNote: () => Promise.resolve(note),
        writeNote: async (_origin: string, next: string) => {
          note = next
        },
        close: () => Promise.resolve(),
      }
      const { witness } = await startWitness(t, logs, { state })
      let last = 0
      const line: { size: number; isFork: boolean }[] = []
      for (const { isFork, oldSize = last, treeSize } of requests) {
        const submitter = isFork ? fork : log
        const { status } = await witness.answer(submitter.request(oldSize, treeSize))
        if (status !== 200) continue
        assert.ok(treeSize >= last, 'never goes back')
        last = treeSize
        line.push({ size: treeSize, isFork })
      }
      // All of them are trees of one log: the one that the largest is of.
      const largest = line.at(-1)
      const one = largest?.isFork ? fork : log
      for (const { size, isFork } of line) {
        assert.ok(bytesEqual((isFork ? fork : log).rootHash(size), one.rootHash(size)), `size ${size}`)
      }
    }),
    { seed: fcSeed, numRuns: 60 },
  )
})

test('a log key is told from a witness key of the same bytes', async (t) => {
  const { signer } = logKey(origin, 1)
  const { witness } = await startWitness(t, [witnessKey(origin, 1).verifier])
  const checkpoint = signCheckpoint({ origin, treeSize: 5n, rootHash: log.rootHash(5) }, signer)
  assert.equal((await witness.answer(encodeAddCheckpoint({ oldSize: 0n, path: [], checkpoint }))).status, 403)
})
