import {
  type ChainRecord,
  decodeBlock,
  type ErasureEvent,
  encodeBlock,
  eraseFrom,
  erasureRecord,
  evidenceOf,
  externalAad,
  parseAttachedEnvelope,
  RangeSet,
  type RecordWithBody,
  seqReuseRecord,
  signPublish,
  sigStructure,
  unionOfRanges,
} from '../../../protocol/index.ts'
import type { StoredBlock } from '../../helpers/chain.ts'
import type { FaultScenario } from '../../helpers/faults.ts'
import { goldenChain, signedPublish, startMs, unsignedPublish } from '../../helpers/golden-chain.ts'
import { key11, numberedKey } from '../../helpers/keys.ts'

// Chains that something was taken out of: announced, and not.

const { crypto } = goldenChain()
const { thumbprint } = key11
const timeMs = startMs + 3000
const topic = 'plant/1/temp'

/** Records 1 to 6: key "11" is enrolled, an unsigned publish, a signed one with number 1, one with MQTT 5 properties, and two more signed ones. */
function chainBefore() {
  const chain = goldenChain(3)
  chain.append([signed(2, 'b'), signed(3, 'c')], timeMs)
  return chain
}
/** Where the record after those of {@link chainBefore} stands. */
export const erasedAt = 7

function message(seq: number, payload: string): Uint8Array {
  return signPublish(key11, thumbprint, { topic, payload: Buffer.from(payload), seq, timeMs: startMs }, crypto)
}

export function signed(seq: number, payload: string, more: Partial<ChainRecord> = {}): RecordWithBody {
  return signedPublish(message(seq, payload), topic, thumbprint, timeMs, crypto, more)
}

export function erasure(event: Partial<ErasureEvent>): RecordWithBody {
  const whole: ErasureEvent = { what: 'bodies', ranges: [[2, 3]], reason: 'test', seqs: [], ...event }
  return { record: erasureRecord(whole, { auth: 'none' }, timeMs), body: undefined }
}

/**
 * A chain in which erasures were announced, each in a block of its own, and something was taken out.
 * @param taken what was taken out; default: what was announced
 * @param after records of the block behind
 */
export function erasedChain(
  announced: readonly Partial<ErasureEvent>[],
  taken: readonly Pick<ErasureEvent, 'what' | 'ranges'>[] = announced.map(({ what = 'bodies', ranges = [[2, 3]] }) => ({
    what,
    ranges,
  })),
  after: readonly RecordWithBody[] = [],
): readonly StoredBlock[] {
  const chain = chainBefore()
  for (const event of announced) chain.append([erasure(event)], timeMs)
  if (after.length > 0) chain.append(after, timeMs)
  return taken.reduce<readonly StoredBlock[]>(
    (blocks, { what, ranges }) =>
      blocks.map((block) => {
        const encoded = eraseFrom(decodeBlock(block.encoded), what, new RangeSet(unionOfRanges(ranges)))
        return encoded === undefined ? block : { ...block, encoded }
      }),
    chain.blocks,
  )
}

/** Number 3, accepted at index 6, signed for another payload too. */
function reuse(refusedPayload = 'x'): RecordWithBody {
  const [accepted, refused] = [message(3, 'c'), message(3, refusedPayload)].map((bytes) => {
    const envelope = parseAttachedEnvelope(bytes)
    if (envelope === undefined) throw new Error('not an envelope')
    return { ...envelope, topic }
  }) as [Evidence, Evidence]
  const signedBytes = sigStructure(refused.sign1.protectedBytes, externalAad(topic), refused.payload)
  const event = {
    thumbprint,
    seq: 3,
    signedTimeMs: startMs,
    contentDigest: crypto.sha256(signedBytes),
    acceptedIndex: 6,
    acceptedTopic: topic,
    refusedTopic: topic,
    ...evidenceOf(accepted, refused),
  }
  return { record: seqReuseRecord(event, { auth: 'none' }, timeMs), body: undefined }
}
type Evidence = NonNullable<ReturnType<typeof parseAttachedEnvelope>> & { readonly topic: string }

/** The reuse is shown first, then the record that has the number is erased. */
function reusedAndErased(refusedPayload?: string): readonly StoredBlock[] {
  const chain = chainBefore()
  chain.append([reuse(refusedPayload)], timeMs)
  const event = { what: 'records', ranges: [[6, 6]], seqs: [{ thumbprint, highest: 3 }] } as const
  chain.append([erasure(event)], timeMs)
  return chain.blocks.map((block) => {
    const encoded = eraseFrom(decodeBlock(block.encoded), 'records', new RangeSet([[6, 6]]))
    return encoded === undefined ? block : { ...block, encoded }
  })
}

const seqs = [{ thumbprint, highest: 2 }]
const allPublishes = { what: 'records', ranges: [[2, 6]], seqs: [{ thumbprint, highest: 3 }] } as const

/** What was erased is announced: none of these has a fault. */
export const honestErasures: readonly (readonly [name: string, blocks: readonly StoredBlock[]])[] = [
  ['whose payloads were erased', erasedChain([{}])],
  ['whose announced payloads are still there', erasedChain([{}], [])],
  ['whose records were erased', erasedChain([allPublishes])],
  ['whose payloads were erased first, then the records', erasedChain([{ ranges: [[2, 6]] }, allPublishes])],
  ['two erasures of which cover each other in part', erasedChain([{ ranges: [[2, 4]] }, { ranges: [[3, 6]] }])],
  ['whose erasure spans records without payload', erasedChain([{ ranges: [[1, 6]] }])],
  [
    'in which a key signs on above the number that its erasure gave up',
    erasedChain([{ what: 'records', ranges: [[5, 5]], seqs }], undefined, [signed(4, 'd')]),
  ],
  ['that shows a reuse of a number whose record was erased', reusedAndErased()],
]

function scenario(
  name: string,
  finds: FaultScenario['finds'],
  ...given: Parameters<typeof erasedChain>
): FaultScenario {
  return { name, finds, blocks: erasedChain(...given) }
}

const records = (first: number, last: number) => [{ what: 'records', ranges: [[first, last]] }] as const
const bodies = (first: number, last: number) => [{ what: 'bodies', ranges: [[first, last]] }] as const

export const faultsOfErasures: readonly FaultScenario[] = [
  scenario('a payload that is gone, with nothing said', ['erased-unannounced', 2, 3], [], bodies(3, 3)),
  scenario('a record that is gone, with nothing said', ['erased-unannounced', 2, 3], [], records(3, 3)),
  scenario('the payload behind the announced ones', ['erased-unannounced', 2, 4], [{}], bodies(2, 4)),
  scenario('the payload before the announced ones', ['erased-unannounced', 1, 2], [{ ranges: [[3, 4]] }], bodies(2, 4)),
  scenario('a record of which the payload was announced', ['erased-unannounced', 1, 2], [{}], records(2, 3)),
  scenario(
    'a record between two ranges',
    ['erased-unannounced', 2, 4],
    [
      {
        what: 'records',
        ranges: [
          [2, 3],
          [5, 6],
        ],
        seqs,
      },
    ],
    records(2, 6),
  ),
  scenario('an erasure of what comes later', ['erasure-invalid', 4, erasedAt], [{ ranges: [[2, 8]] }]),
  scenario('an erasure of itself', ['erasure-invalid', 4, erasedAt], [{ ranges: [[2, 7]] }], []),
  scenario('an erasure of the genesis', ['erasure-invalid', 4, erasedAt], [{ ranges: [[0, 2]] }], []),
  scenario('an erasure of nothing', ['erasure-invalid', 4, erasedAt], [{ ranges: [] }], []),
  scenario(
    'ranges that touch',
    ['erasure-invalid', 4, erasedAt],
    [
      {
        ranges: [
          [2, 3],
          [4, 5],
        ],
      },
    ],
    [],
  ),
  scenario(
    'ranges out of order',
    ['erasure-invalid', 4, erasedAt],
    [
      {
        ranges: [
          [5, 5],
          [2, 3],
        ],
      },
    ],
    [],
  ),
  scenario('numbers given up with payloads alone', ['erasure-invalid', 4, erasedAt], [{ seqs }], []),
  scenario(
    'a number given up of a key that nobody enrolled',
    ['erasure-invalid', 4, erasedAt],
    [{ ...allPublishes, seqs: [{ thumbprint: numberedKey(13).thumbprint, highest: 1 }] }],
    [],
  ),
  scenario('one key twice', ['erasure-invalid', 4, erasedAt], [{ ...allPublishes, seqs: [...seqs, ...seqs] }], []),
  scenario('a number accepted again after its record was erased', ['seq-repeated', 5, 8], [allPublishes], undefined, [
    signed(3, 'c'),
  ]),
  scenario(
    'a number below one that was given up',
    ['seq-repeated', 5, 8],
    [{ what: 'records', ranges: [[6, 6]], seqs: [{ thumbprint, highest: 3 }] }],
    undefined,
    [signed(0, 'z')],
  ),
  {
    name: 'a reuse with the content that was accepted, whose record was erased',
    finds: ['seq-reuse-invalid', 4, erasedAt],
    blocks: reusedAndErased('c'),
  },
  {
    name: 'the genesis, gone',
    finds: ['genesis-invalid', 0, 0],
    blocks: goldenChain(2).blocks.map((block, i) => (i === 0 ? withoutGenesis(block) : block)),
  },
]

function withoutGenesis(block: StoredBlock): StoredBlock {
  const { signed: header, entries } = decodeBlock(block.encoded)
  const gone = entries.map(({ leaf }) => ({ leaf, salt: undefined, record: undefined, body: undefined }))
  return { ...block, encoded: encodeBlock(header, gone) }
}

/** An unsigned publish of no bytes: its payload is there all the same. */
export const emptyPublish = unsignedPublish({ topic, body: new Uint8Array(0), timeMs }, crypto)
