import { type CborKey, CborReader, type CborValue, encodeCbor } from '../cbor/index.ts'
import {
  algEsp256,
  encodeSign1,
  type HeaderMap,
  headerLabel,
  isKidOf,
  kidOf,
  type P256PrivateKey,
  type P256PublicKey,
  parseSign1,
  type Sign1,
  signSign1Detached,
  thumbprintOfP256,
  verifySign1,
} from '../cose/index.ts'
import type { CryptoProvider } from '../crypto-provider.ts'
import { ProtocolError } from '../errors.ts'
import { hashBytes } from '../merkle/index.ts'
import type { TreeHead } from '../notes/checkpoint.ts'

/** Header labels of RFC 9597 and RFC 9942. The numbers of its drafts, -111, -222 and -333, are refused like any other. */
const label = { cwtClaims: 15, vds: 395, vdp: 396 } as const
/** Claims of RFC 8392. */
const claim = { issuer: 1, subject: 2, issuedAt: 6 } as const
/** RFC9162_SHA256, a verifiable data structure of RFC 9942. */
const vdsRfc9162Sha256 = 1
/** Kinds of proof in the map under label 396. */
export const proofLabel = { inclusion: -1, consistency: -2 } as const

/** Receipts are signed over nothing else than RFC 9942 says. */
const noAad = new Uint8Array(0)

/** Far beyond any receipt: 64 hashes and the longest name of an issuer. */
const maxReceiptBytes = 64 * 1024
const maxPathLength = 64
const issuerLength = { least: 1, most: 8192 } as const

/** The tree that receipts are given for; of fewer than 2^53 leaves. */
export interface ReceiptTree extends TreeHead {
  /** Origin of the log. */
  readonly issuer: string
}

/** A root as a broker signed it: every receipt for its tree has these bytes, whatever leaf it is for. */
export interface SignedRoot extends ReceiptTree {
  readonly protectedBytes: Uint8Array
  readonly signature: Uint8Array
}

/** Whose receipts a verifier accepts. */
export interface ReceiptTrust {
  readonly brokerKey: P256PublicKey
  /** Origin of the log. */
  readonly issuer: string
}

/** What a receipt says, before anything of it is verified. */
export interface ReceiptForm {
  readonly sign1: Sign1
  readonly kid: Uint8Array
  readonly issuer: string
  /** Of the tree whose root is signed. */
  readonly treeSize: bigint
  /** Seconds since 1970. */
  readonly issuedAtSeconds: number
  /** CBOR of the proof. */
  readonly proof: Uint8Array
}

/**
 * Signs the root of a tree once for all its receipts: protected `{1: ESP256, 4: kid, 15: {1: issuer, 2: subject,
 * 6: issued at}, 395: 1}` over the detached root. A proof is not signed, and one path fits trees of several sizes and
 * leaves of several indexes; the subject, which is, names the size and so settles both.
 * @param issuedAtSeconds since 1970
 */
export function signRoot(
  key: P256PrivateKey,
  tree: ReceiptTree,
  issuedAtSeconds: number,
  crypto: CryptoProvider,
): SignedRoot {
  const { issuer, treeSize, rootHash } = tree
  if (rootHash.length !== hashBytes || issuer.length < issuerLength.least || issuer.length > issuerLength.most) {
    throw new RangeError('a receipt has a root of 32 bytes and an issuer of 1 to 8192 characters')
  }
  const protectedBytes = encodeCbor(
    new Map<CborKey, CborValue>([
      [headerLabel.alg, algEsp256],
      [headerLabel.kid, kidOf(thumbprintOfP256(key, crypto))],
      [
        label.cwtClaims,
        new Map<CborKey, CborValue>([
          [claim.issuer, issuer],
          [claim.subject, subjectOf(treeSize)],
          [claim.issuedAt, issuedAtSeconds],
        ]),
      ],
      [label.vds, vdsRfc9162Sha256],
    ]),
  )
  const { signature } = parseSign1(signSign1Detached(key, protectedBytes, noAad, rootHash, crypto))
  return { issuer, treeSize, rootHash, protectedBytes, signature }
}

function subjectOf(treeSize: bigint): string {
  return `tree/${treeSize}`
}

/** A receipt around one proof. @param kind label of the proof @param proof its CBOR */
export function encodeReceipt(root: SignedRoot, kind: number, proof: Uint8Array): Uint8Array {
  const unprotectedBytes = encodeCbor(new Map([[label.vdp, new Map([[kind, [proof]]])]]))
  return encodeSign1({ ...root, unprotectedBytes }, undefined)
}

/**
 * Reads a receipt with exactly one proof, of the kind asked for, and exactly the headers that ours have.
 * @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED
 */
export function parseReceipt(receipt: Uint8Array, kind: number): ReceiptForm {
  if (receipt.length > maxReceiptBytes) throw malformed('too large')
  const sign1 = parseSign1(receipt)
  if (sign1.payload !== undefined) throw malformed('the root must be computed, not carried')
  const { protectedHeaders, unprotectedHeaders } = sign1
  const kid = protectedHeaders.get(headerLabel.kid)
  const claims = protectedHeaders.get(label.cwtClaims)
  if (protectedHeaders.size !== 4 || !protectedHeaders.has(headerLabel.alg)) throw malformed('protected headers')
  if (!(kid instanceof Uint8Array) || protectedHeaders.get(label.vds) !== vdsRfc9162Sha256) {
    throw malformed('protected headers')
  }
  return { sign1, kid, ...readClaims(claims), proof: onlyProof(unprotectedHeaders, kind) }
}

function readClaims(claims: CborValue | undefined): Pick<ReceiptForm, 'issuer' | 'treeSize' | 'issuedAtSeconds'> {
  if (!(claims instanceof Map) || claims.size !== 3) throw malformed('claims')
  const issuer = claims.get(claim.issuer)
  const subject = claims.get(claim.subject)
  const issuedAtSeconds = claims.get(claim.issuedAt)
  const [, size] = (typeof subject === 'string' && /^tree\/(0|[1-9][0-9]{0,15})$/.exec(subject)) || []
  if (typeof issuer !== 'string' || size === undefined || typeof issuedAtSeconds !== 'number') throw malformed('claims')
  return { issuer, treeSize: BigInt(size), issuedAtSeconds }
}

function onlyProof(unprotectedHeaders: HeaderMap, kind: number): Uint8Array {
  const proofs = unprotectedHeaders.get(label.vdp)
  if (unprotectedHeaders.size !== 1 || !(proofs instanceof Map) || proofs.size !== 1) throw malformed('proofs')
  const ofKind = proofs.get(kind)
  if (!Array.isArray(ofKind) || ofKind.length !== 1 || !(ofKind[0] instanceof Uint8Array)) throw malformed('proofs')
  return ofKind[0]
}

/**
 * Verifies who signed a receipt, and over which root.
 * @throws {ProtocolError} ERR_COSE_ALG_NOT_ALLOWED, ERR_COSE_SIGNATURE_INVALID
 */
export async function verifyReceiptSignature(
  form: Omit<ReceiptForm, 'proof'>,
  rootHash: Uint8Array,
  { brokerKey, issuer }: ReceiptTrust,
  crypto: CryptoProvider,
): Promise<void> {
  if (!isKidOf(form.kid, thumbprintOfP256(brokerKey, crypto)) || form.issuer !== issuer) {
    throw new ProtocolError('ERR_COSE_SIGNATURE_INVALID', 'the receipt of another log, or by another key')
  }
  await verifySign1(form.sign1, brokerKey, noAad, crypto, rootHash)
}

/** `[number, number, [hash, ...]]`: what proofs of both kinds look like. */
export function encodeProof(first: bigint, second: bigint, path: readonly Uint8Array[]): Uint8Array {
  return encodeCbor([Number(first), Number(second), path])
}

/** @throws {ProtocolError} ERR_CBOR_*, ERR_COSE_MALFORMED */
export function decodeProof(encoded: Uint8Array): readonly [bigint, bigint, readonly Uint8Array[]] {
  const reader = new CborReader(encoded)
  reader.array(3)
  const first = BigInt(reader.uint())
  const second = BigInt(reader.uint())
  const length = reader.array()
  if (length > maxPathLength) throw malformed('path too long')
  const path = Array.from({ length }, () => reader.bytes(hashBytes))
  reader.end()
  return [first, second, path]
}

/** The answer of a verifier is one boolean: whatever is wrong with the bytes, the receipt proves nothing. */
export async function isProved(verification: () => Promise<void>): Promise<boolean> {
  try {
    await verification()
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}

/** What is not a receipt of ours, and why. */
export function malformed(what: string): ProtocolError {
  return new ProtocolError('ERR_COSE_MALFORMED', `not a receipt: ${what}`)
}
