import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  decodeBlock,
  keyEventRecord,
  nobleCrypto,
  type RotationPlace,
  signBrokerKeyProof,
  thumbprintOfP256,
  toHex,
} from '../../../protocol/index.ts'
import type { TestChain } from '../../helpers/chain.ts'
import { genesis, goldenChain, startMs } from '../../helpers/golden-chain.ts'
import { keyMeriadoc, numberedKey, publicOf } from '../../helpers/keys.ts'
import { pythonClientJson } from '../../helpers/python.ts'
import { hasPython } from '../../helpers/tools.ts'

const next = numberedKey(81)

/** The golden chain, whose broker key another one takes the place of, with a proof for this height. */
function rotatedAt(heightOf: (height: number) => number): TestChain {
  const chain = goldenChain()
  const place: RotationPlace = { ...chain.state, height: heightOf(chain.state.height), origin: genesis.origin }
  const proof = signBrokerKeyProof(next, place, nobleCrypto)
  const [thumbprint, replaces] = [thumbprintOfP256(next, nobleCrypto), thumbprintOfP256(keyMeriadoc, nobleCrypto)]
  const event = { action: 'broker-key', thumbprint, key: publicOf(next), proof, replaces } as const
  const timeMs = startMs + 60_000
  chain.append([{ record: keyEventRecord(event, { auth: 'none' }, timeMs), body: undefined }], timeMs)
  return chain
}

const hexOf = (bytes: Uint8Array | undefined) => (bytes === undefined ? null : toHex(bytes))

test('Python trusts a broker key that took the place of another, where that key signed for its place, and nowhere else', async (t) => {
  if (!hasPython(t)) return
  const script = `
import json, sys; from notarymq import *; from notarymq.keys import key_of_cose
unhex = lambda text: None if text is None else bytes.fromhex(text)
for chain in json.loads(sys.argv[1]):
    blocks = [StoredBlock(unhex(header), [unhex(leaf) for leaf, *_ in entries],
                          [tuple(map(unhex, entry)) for _, *entry in entries])
              for header, entries in chain["blocks"]]
    for x, y in chain["trusted"]:
        fault = verify_chain(blocks, key_of_cose({1: 2, -1: 1, -2: unhex(x), -3: unhex(y)}))
        print(json.dumps(fault and fault.cause))`
  const trusted = [keyMeriadoc, next, numberedKey(82)].map(({ x, y }) => [toHex(x), toHex(y)])
  const chains = [rotatedAt((height) => height), rotatedAt((height) => height - 1)].map(({ blocks }) => ({
    trusted,
    blocks: blocks.map(({ encoded, signed }) => {
      const { entries } = decodeBlock(encoded)
      return [toHex(signed), entries.map(({ leaf, salt, record, body }) => [leaf, salt, record, body].map(hexOf))]
    }),
  }))
  assert.deepEqual(await pythonClientJson(t, script, [JSON.stringify(chains)]), [
    ...[null, null, 'genesis-invalid'],
    ...['key-event-invalid', 'key-event-invalid', 'key-event-invalid'],
  ])
})
