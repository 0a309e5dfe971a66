import {
  BrokerSigner,
  decodeBlock,
  encodeChainState,
  encodeRecord,
  externalAad,
  leafHash,
  nobleCrypto,
  parseSign1,
  signAnchor,
  sigStructure,
} from '../../protocol/index.ts'
import { example, exampleSign1 } from './envelopes.ts'
import { type GoldenRecord, goldenChain, goldenCheckpoint, goldenRecords, goldenSeqs } from './golden-chain.ts'
import { keyMeriadoc } from './keys.ts'

/** Every byte string of the worked example in `docs/chain.md`, by the name that stands there. */
export function chainExample(): Record<string, Uint8Array> {
  const chain = goldenChain()
  const blocks = chain.blocks.map(({ encoded }) => decodeBlock(encoded))
  const values: Record<string, Uint8Array> = {
    envelope: exampleSign1,
    'envelope.to-be-signed': sigStructure(example.protectedBytes, externalAad(example.topic), example.payload),
    state: encodeChainState(chain.state),
    anchor: signAnchor(goldenCheckpoint(nobleCrypto), goldenSeqs, new BrokerSigner(keyMeriadoc, nobleCrypto)),
  }
  for (const [name, { record }] of Object.entries(goldenRecords(nobleCrypto))) {
    values[`${name}.record`] = encodeRecord(record)
  }
  for (const [height, { encodedHeader }] of blocks.entries()) values[`block-${height}.header`] = encodedHeader
  const [first, , third] = blocks
  const shown: readonly (readonly [GoldenRecord, NonNullable<typeof first>['entries'][number] | undefined])[] = [
    ['genesis', first?.entries[0]],
    ['publish-signed', third?.entries[0]],
  ]
  for (const [name, entry] of shown) {
    if (entry?.record === undefined) throw new Error('the golden chain has another shape')
    values[`${name}.salt`] = entry.salt
    values[`${name}.leaf`] = entry.leaf
    values[`${name}.leaf-hash`] = leafHash(entry.leaf, nobleCrypto)
  }
  if (first === undefined) throw new Error('the golden chain has no block')
  const { protectedBytes } = parseSign1(first.signed)
  values['block-0.to-be-signed'] = sigStructure(protectedBytes, externalAad('block'), first.encodedHeader)
  values['block-0.signed-header'] = first.signed
  values['block-0.stored'] = chain.blocks[0]?.encoded ?? new Uint8Array(0)
  return values
}
