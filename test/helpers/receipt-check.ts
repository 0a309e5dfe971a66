import { nativeCrypto } from '../../plugins/native-crypto.ts'
import {
  commitmentOf,
  decodeRecord,
  encodeLeaf,
  fromBase64url,
  isInclusionReceiptValid,
  leafHash,
  type P256PublicKey,
  parseInclusionReceipt,
  type ReceiptJson,
} from '../../protocol/index.ts'

/** Whether a receipt holds for the leaf that its record and salt give, at the index and size that it names. */
export async function provesRecord(json: ReceiptJson, brokerKey: P256PublicKey, issuer: string): Promise<boolean> {
  const [record, salt, receipt] = [json.record, json.salt, json.receipt].map(fromBase64url) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const { timeMs } = decodeRecord(record)
  const leaf = encodeLeaf({ timeMs, commitment: commitmentOf(salt, record, nativeCrypto) })
  const { proof } = parseInclusionReceipt(receipt)
  if (proof.leafIndex !== BigInt(json.index) || proof.treeSize !== BigInt(json.treeSize)) return false
  return isInclusionReceiptValid(receipt, leafHash(leaf, nativeCrypto), { brokerKey, issuer }, nativeCrypto)
}
