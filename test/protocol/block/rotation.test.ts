import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCrypto } from '../../../plugins/index.ts'
import {
  type BrokerKeyEvent,
  bytesEqual,
  nobleCrypto as crypto,
  type KeyEvent,
  keyEventRecord,
  parseKeyEvent,
  type RotationPlace,
  signBrokerKeyProof,
  signLogKeyProof,
  thumbprintOfEd25519,
  thumbprintOfP256,
  toHex,
  verifyRotationProof,
} from '../../../protocol/index.ts'
import { findingIn, TestChain } from '../../helpers/chain.ts'
import { genesis, goldenChain, goldenRecords, startMs } from '../../helpers/golden-chain.ts'
import { key11, keyMeriadoc, logPublicKey, numberedKey, publicOf, type TestKey } from '../../helpers/keys.ts'

const [next, later] = [numberedKey(81), numberedKey(82)]
const afterMs = startMs + 60_000

/** Where the next block of a chain will stand. */
const placeIn = ({ state }: TestChain): RotationPlace => ({ ...state, origin: genesis.origin })

function toBroker(key: TestKey, place: RotationPlace, replaces: TestKey = keyMeriadoc): BrokerKeyEvent {
  const proof = signBrokerKeyProof(key, place, crypto)
  const [thumbprint, replaced] = [thumbprintOfP256(key, crypto), thumbprintOfP256(replaces, crypto)]
  return { action: 'broker-key', thumbprint, key: publicOf(key), proof, replaces: replaced }
}

const bodyOf = (event: KeyEvent) => ({ record: keyEventRecord(event, { auth: 'none' }, afterMs), body: undefined })
const { 'publish-unsigned': unsigned } = goldenRecords(crypto)
const more = { ...unsigned, record: { ...unsigned.record, timeMs: afterMs } }

/** The golden chain, and a block with these key events. */
function rotated(plan: (place: RotationPlace) => readonly KeyEvent[]): TestChain {
  const chain = goldenChain()
  chain.append(plan(placeIn(chain)).map(bodyOf), afterMs)
  return chain
}

const honest = () => rotated((place) => [toBroker(next, place)])

test('headers are signed by the old key up to the rotation, and by the new one from the next block on', async () => {
  const chain = new TestChain(next, crypto, honest())
  chain.append([more], afterMs)
  for (const brokerKey of [undefined, publicOf(keyMeriadoc), publicOf(next)]) {
    assert.equal(await findingIn(chain.blocks, { crypto, ...(brokerKey && { brokerKey }) }), undefined)
  }
})

test('the old key after its rotation, and the new one before it, are faults', async () => {
  const oldAfter = honest()
  oldAfter.append([more], afterMs)
  assert.deepEqual(await findingIn(oldAfter.blocks, { crypto }), {
    cause: 'header-signature-invalid',
    block: 5,
    index: 7,
  })
  const newBefore = new TestChain(next, crypto, goldenChain())
  newBefore.append([bodyOf(toBroker(next, placeIn(newBefore)))], afterMs)
  assert.deepEqual(await findingIn(newBefore.blocks, { crypto }), {
    cause: 'header-signature-invalid',
    block: 4,
    index: 6,
  })
})

const elsewhere = (place: RotationPlace): RotationPlace => ({
  ...place,
  previousHash: crypto.sha256(place.previousHash),
})
const bad: Readonly<Record<string, (place: RotationPlace) => readonly KeyEvent[]>> = {
  'a proof for another history': (place) => [toBroker(next, elsewhere(place))],
  'a proof for another height': (place) => [toBroker(next, { ...place, height: place.height + 1 })],
  'a proof for another log': (place) => [toBroker(next, { ...place, origin: 'example.com/other' })],
  'a proof by the old key': (place) => {
    return [{ ...toBroker(next, place), proof: signBrokerKeyProof(keyMeriadoc, place, crypto) }]
  },
  'the key of a publisher': (place) => [toBroker(key11, place)],
  'the key in force again': (place) => [toBroker(keyMeriadoc, place)],
  'another key to replace than the one in force': (place) => [toBroker(next, place, later)],
  'a thumbprint of another key': (place) => [{ ...toBroker(next, place), thumbprint: later.thumbprint }],
  'a rotation beside another event': (place) => [toBroker(next, place), toBroker(later, place, next)],
  'a broker key enrolled as that of a publisher': () => {
    const { thumbprint } = keyMeriadoc
    return [{ action: 'enroll', thumbprint, key: publicOf(keyMeriadoc), name: 'broker' }]
  },
}
for (const [name, plan] of Object.entries(bad)) {
  test(`${name} is a fault of the key event`, async () => {
    const finding = await findingIn(rotated(plan).blocks, { crypto })
    assert.deepEqual([finding?.cause, finding?.block], ['key-event-invalid', 4])
  })
}

test('a key that was replaced never comes back', async () => {
  const chain = new TestChain(next, crypto, honest())
  chain.append([bodyOf(toBroker(keyMeriadoc, placeIn(chain), next))], afterMs)
  assert.equal((await findingIn(chain.blocks, { crypto }))?.cause, 'key-event-invalid')
})

test('who trusts the new key alone finds a history out that the old key was made to sign later', async () => {
  // The thief has the old key and the published record with its proof, and lets one publish disappear.
  const stolen = goldenChain(3)
  const published = toBroker(next, placeIn(goldenChain()))
  stolen.append([bodyOf(published)], afterMs)
  const finding = await findingIn(stolen.blocks, { crypto, brokerKey: publicOf(next) })
  assert.equal(finding?.cause, 'key-event-invalid')
  const without = goldenChain(3)
  assert.equal((await findingIn(without.blocks, { crypto, brokerKey: publicOf(next) }))?.cause, 'genesis-invalid')
})

test('a chain cut off before its rotation is known by a head of the new key, where that key is trusted', async () => {
  const chain = new TestChain(next, crypto, honest())
  const { signed } = chain.append([more], afterMs)
  const options = { crypto, head: signed, brokerKey: publicOf(next) }
  assert.equal(await findingIn(chain.blocks, options), undefined)
  assert.equal((await findingIn(goldenChain().blocks, options))?.cause, 'truncated-below-head')
})

test('another log key is taken with the proof of that key, in both implementations of Ed25519', async () => {
  const seed = Uint8Array.from({ length: 32 }, (_, i) => i)
  // RFC 8032 has no vector for this seed; the public key is what OpenSSL says.
  const publicKey = Buffer.from('03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8', 'hex')
  const chain = goldenChain()
  const place = placeIn(chain)
  const proofs = [crypto, nativeCrypto].map((one) => signLogKeyProof({ seed, publicKey }, place, one))
  assert.ok(bytesEqual(proofs[0] as Uint8Array, proofs[1] as Uint8Array))
  const thumbprint = thumbprintOfEd25519(publicKey, crypto)
  const replaces = thumbprintOfEd25519(logPublicKey, crypto)
  const event = { action: 'log-key', thumbprint, key: publicKey, proof: proofs[0] as Uint8Array, replaces } as const
  const parsed = parseKeyEvent(bodyOf(event).record, crypto)
  assert.deepEqual([parsed.action, toHex(parsed.thumbprint)], ['log-key', toHex(thumbprint)])
  chain.append([bodyOf(event)], afterMs)
  assert.equal(await findingIn(chain.blocks, { crypto }), undefined)
  for (const one of [crypto, nativeCrypto]) {
    await verifyRotationProof(event, place, one)
    await assert.rejects(verifyRotationProof(event, elsewhere(place), one), { code: 'ERR_COSE_MALFORMED' })
    const flipped = Uint8Array.from(event.proof)
    flipped[flipped.length - 1] = (flipped.at(-1) as number) ^ 1
    await assert.rejects(verifyRotationProof({ ...event, proof: flipped }, place, one), {
      code: 'ERR_COSE_SIGNATURE_INVALID',
    })
    const byBroker = { ...event, proof: signBrokerKeyProof(next, place, crypto) }
    await assert.rejects(verifyRotationProof(byBroker, place, one), { code: 'ERR_COSE_MALFORMED' })
  }
})
