import type { P256PublicKey } from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import {
  type ChainRecord,
  decodeRecord,
  isRotation,
  parseErasure,
  parseKeyEvent,
  parseSeqReuse,
} from '../record/index.ts'
import { type KeyRegistry, type RegisteredKey, signerFault, verifyProofOfPossession } from '../registry/index.ts'
import type { AcceptedSeq } from '../replay/index.ts'
import type { ErasureLedger } from './erasures.ts'
import type { ChainFault } from './faults.ts'
import type { BlockHeader } from './header.ts'
import { hasSignature, type InspectedRecord, isValid, orUndefined, verifySignatureOf } from './inspect.ts'
import { verifyRotationProof } from './rotation-proof.ts'
import { verifySeqReuse } from './verify-publisher.ts'

/** What a record is verified against, beside the registry. */
export interface RecordContext {
  /** Name of the log. */
  readonly origin: string
  readonly header: BlockHeader
  /** Records in the block. */
  readonly count: number
  /** Publishers' signatures are verified from this index on. */
  readonly signaturesFrom: number
  /** What is gone, and what was announced. */
  readonly erasures: ErasureLedger
  /** A rotation came into force. */
  readonly onBrokerKey: (key: P256PublicKey) => void
}

type Verdict = ChainFault | undefined

/** Enters the records of one block in the registry, in their order: keys, restrictions, sequence numbers. */
export class RecordPass {
  readonly #crypto: CryptoProvider
  readonly #registry: KeyRegistry
  readonly #context: RecordContext
  #signatures = 0

  constructor(crypto: CryptoProvider, registry: KeyRegistry, context: RecordContext) {
    this.#crypto = crypto
    this.#registry = registry
    this.#context = context
  }

  /** Publishers' signatures that were valid, when everything is settled. */
  get signatures(): number {
    return this.#signatures
  }

  /** Enters the record, and says what is wrong with it; of what takes time, later. */
  fault(inspected: InspectedRecord): Verdict | Promise<Verdict> {
    const { at, fault, record: encoded } = inspected
    if (encoded === undefined || fault === 'genesis-invalid') return fault
    // A copy: windows keep digests, which are views, and should not keep whole blocks with them.
    const record = decodeRecord(encoded.slice())
    const verdict = this.#enter(record, inspected, this.#context.header.firstIndex + at)
    return fault ?? verdict
  }

  #enter(record: ChainRecord, inspected: InspectedRecord, index: number): Verdict | Promise<Verdict> {
    if (record.kind === 'key') return this.#enterKeyEvent(record, index)
    if (record.kind === 'seq-reuse') return this.#enterReuse(record, index)
    if (record.kind === 'erasure') return this.#enterErasure(record, index)
    if (record.kind === 'recovery') {
      return orUndefined(() => this.#registry.enter(record, index)) === true ? undefined : 'recovery-invalid'
    }
    return hasSignature(record) ? this.#enterSigned(record, inspected, index) : undefined
  }

  #enterKeyEvent(record: ChainRecord, index: number): Verdict | Promise<Verdict> {
    const event = orUndefined(() => parseKeyEvent(record, this.#crypto))
    if (event === undefined || !this.#registry.apply(event, index)) return 'key-event-invalid'
    const { origin, header, count, onBrokerKey } = this.#context
    if (isRotation(event)) {
      // Nothing beside it: its proof answers for the blocks before, and for nothing else of this one.
      if (count !== 1) return 'key-event-invalid'
      if (event.action === 'broker-key') onBrokerKey(event.key)
      return unless(verifyRotationProof(event, { ...header, origin }, this.#crypto), 'key-event-invalid')
    }
    if (event.action !== 'enroll' || event.proof === undefined) return undefined
    return unless(verifyProofOfPossession(event.proof, event.key, origin, this.#crypto), 'key-event-invalid')
  }

  #enterErasure(record: ChainRecord, index: number): Verdict {
    if (orUndefined(() => this.#registry.enter(record, index)) !== true) return 'erasure-invalid'
    this.#context.erasures.announced(parseErasure(record))
    return undefined
  }

  #enterReuse(record: ChainRecord, index: number): Verdict | Promise<Verdict> {
    const reuse = orUndefined(() => parseSeqReuse(record))
    if (reuse === undefined) return 'seq-reuse-invalid'
    const known = this.#registry.resolve(reuse.thumbprint)
    // Erased since: then both envelopes have to speak for themselves.
    if (known !== undefined && this.#context.erasures.isMissing(reuse.acceptedIndex)) {
      return unless(verifySeqReuse(record, undefined, known.key, this.#crypto), 'seq-reuse-invalid')
    }
    if (orUndefined(() => this.#registry.enter(record, index)) !== true) return 'seq-reuse-invalid'
    // The registry would not have taken it without them.
    const { thumbprint, seq } = record as Required<ChainRecord>
    const signer = this.#registry.resolve(thumbprint) as RegisteredKey
    const { contentDigest } = signer.window.find(seq) as AcceptedSeq
    return unless(verifySeqReuse(record, contentDigest, signer.key, this.#crypto), 'seq-reuse-invalid')
  }

  #enterSigned(
    record: ChainRecord,
    { body, missing, signature }: InspectedRecord,
    index: number,
  ): Verdict | Promise<Verdict> {
    const { thumbprint } = record
    const signer = thumbprint === undefined ? undefined : this.#registry.resolve(thumbprint)
    if (signer === undefined) return 'signer-not-valid'
    const refused = signerFault(signer, record, index)
    if (refused !== undefined) return refused
    if (!this.#registry.enter(record, index)) return 'seq-repeated'
    // Without its body there is nothing that the signature could be verified over.
    if (missing !== undefined || index < this.#context.signaturesFrom) return undefined
    if (signature !== 'unchecked') return this.#count(signature === 'valid')
    return isValid(verifySignatureOf(record, body, signer.key, this.#crypto)).then((valid) => this.#count(valid))
  }

  #count(isSignatureValid: boolean): Verdict {
    if (!isSignatureValid) return 'signature-invalid'
    this.#signatures++
    return undefined
  }
}

async function unless(verification: Promise<void>, fault: ChainFault): Promise<Verdict> {
  return (await isValid(verification)) ? undefined : fault
}
