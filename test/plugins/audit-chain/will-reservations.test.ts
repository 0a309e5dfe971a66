import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type SignedWill, WillReservations } from '../../../plugins/audit-chain/will-reservations.ts'
import { nativeCrypto, openStoreDatabase, type StoreOperation } from '../../../plugins/index.ts'
import { atEnd } from '../../helpers/cleanup.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { registryOf } from '../../helpers/publishes.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const [one, other] = [numberedKey(1), numberedKey(2)]
const owner = { clientId: 'press-7', provenUsername: 'ann' }
/** Wills of one key that are remembered. */
const most = 1024

/** Reservations over a store, and what it takes to come back to them. */
async function reservations(t: TestContext) {
  const registry = registryOf(one, other)
  const database = await openStoreDatabase(temporaryDirectory(t))
  atEnd(t, () => database.close())
  const signer = registry.resolve(one.thumbprint) ?? assert.fail('no key')
  const will = (seq: number, text = 'gone', by = signer): SignedWill => {
    return { signer: by, seq, contentDigest: nativeCrypto.sha256(Buffer.from(`${seq} ${text}`)) }
  }
  return {
    signer,
    otherSigner: registry.resolve(other.thumbprint) ?? assert.fail('no key'),
    will,
    open: (known = registry) => WillReservations.open(database, known),
    write: (operations: readonly StoreOperation[]) => database.batch([...operations]),
  }
}

test('a number that a will took is taken for every publish of its key, and for no other key', async (t) => {
  const { open, will, signer, otherSigner } = await reservations(t)
  const wills = await open()
  assert.equal(wills.isTaken(signer, 5), false)
  assert.equal(wills.reserve(will(5), owner).length, 1)
  assert.deepEqual(
    [4, 5, 6].map((seq) => wills.isTaken(signer, seq)),
    [false, true, false],
  )
  assert.equal(wills.isTaken(otherSigner, 5), false)
})

test('the identical will may be left again by the same client under the same proven name, and by nobody else', async (t) => {
  const { open, will } = await reservations(t)
  const wills = await open()
  assert.equal(wills.refusalOf(will(5), owner), undefined)
  wills.reserve(will(5), owner)
  assert.equal(wills.refusalOf(will(5), owner), undefined)
  assert.deepEqual(wills.reserve(will(5), owner), [], 'it is on disk already')
  assert.equal(wills.refusalOf(will(5, 'something else'), owner), 'will-replayed')
  assert.equal(wills.refusalOf(will(5), { ...owner, clientId: 'press-8' }), 'will-replayed')
  for (const provenUsername of ['bob', undefined]) {
    assert.equal(wills.refusalOf(will(5), { ...owner, provenUsername }), 'will-replayed')
  }
})

test('a message of the key that was accepted cannot be left as a will; nor what lies below the window', async (t) => {
  const { open, will, signer } = await reservations(t)
  const wills = await open()
  const { contentDigest } = will(2000)
  signer.window.accept(2000, { index: 3, contentDigest, qos: 1, retain: false })
  assert.equal(wills.refusalOf(will(2000), owner), 'will-replayed')
  assert.equal(wills.refusalOf(will(2000 - 1024), owner), 'seq-too-old')
  assert.equal(wills.refusalOf(will(2000 - 1023), owner), undefined)
})

test('a will whose number has fallen out of the window since it was left stays valid', async (t) => {
  const { open, will, signer } = await reservations(t)
  const wills = await open()
  wills.reserve(will(1), owner)
  signer.window.accept(5000, { index: 3, contentDigest: new Uint8Array(32), qos: 1, retain: false })
  assert.equal(wills.refusalOf(will(1), owner), undefined)
})

test('what was written is there after a restart, to the last field', async (t) => {
  const { open, will, write, signer, otherSigner } = await reservations(t)
  const wills = await open()
  const anonymous = { clientId: '', provenUsername: undefined }
  await write(wills.reserve(will(5), owner))
  await write(wills.reserve(will(2 ** 53 - 1), anonymous))
  await write(wills.reserve(will(7, 'gone', otherSigner), owner))
  const again = await open()
  assert.deepEqual(
    [5, 6, 7, 2 ** 53 - 1].map((seq) => again.isTaken(signer, seq)),
    [true, false, false, true],
  )
  assert.equal(again.isTaken(otherSigner, 7), true)
  assert.equal(again.refusalOf(will(5), owner), undefined)
  assert.equal(again.refusalOf(will(5), anonymous), 'will-replayed')
  assert.equal(again.refusalOf(will(2 ** 53 - 1), anonymous), undefined)
  assert.equal(again.refusalOf(will(2 ** 53 - 1), { ...anonymous, provenUsername: '' }), 'will-replayed')
})

test('what was never written is not there after a restart', async (t) => {
  const { open, will, signer } = await reservations(t)
  const wills = await open()
  wills.reserve(will(5), owner)
  assert.equal((await open()).isTaken(signer, 5), false)
})

test('of one key 1024 wills are remembered: the lowest number is forgotten, here and on disk, and everything below the rest is too old', async (t) => {
  const { open, will, write, signer, otherSigner } = await reservations(t)
  const wills = await open()
  for (let seq = 100; seq < 100 + most; seq++) await write(wills.reserve(will(seq), owner))
  assert.equal(wills.refusalOf(will(100), owner), undefined)
  const operations = wills.reserve(will(5000), owner)
  assert.deepEqual(
    operations.map(({ type }) => type),
    ['put', 'del'],
  )
  await write(operations)
  for (const now of [wills, await open()]) {
    assert.equal(now.refusalOf(will(100), owner), 'seq-too-old')
    assert.equal(now.refusalOf(will(99), owner), 'seq-too-old')
    assert.equal(now.refusalOf(will(101), owner), undefined)
    assert.equal(now.refusalOf(will(5000), owner), undefined)
    // Whoever caught the forgotten will must not publish it as a message either.
    assert.deepEqual(
      [0, 100, 101, 2000, 5000].map((seq) => now.isTaken(signer, seq)),
      [true, true, true, false, true],
    )
    assert.equal(now.isTaken(otherSigner, 0), false)
  }
})

test('a will of a key that the log does not know is passed over, and those of other keys are read', async (t) => {
  const { open, will, write, otherSigner } = await reservations(t)
  const wills = await open()
  await write(wills.reserve(will(5, 'gone', otherSigner), owner))
  await write(wills.reserve(will(5), owner))
  const known = registryOf(one)
  const again = await open(known)
  assert.equal(again.isTaken(known.resolve(one.thumbprint) ?? assert.fail('no key'), 5), true)
  assert.equal(again.isTaken(otherSigner, 5), false)
})
