/** What proves that a record is in the log. Bytes and hashes are base64url. */
export interface ReceiptJson {
  readonly index: number
  /** Of the checkpoint, which covers the record. */
  readonly treeSize: number
  readonly rootHash: string
  /** What the tree has for the record: its time, and SHA-256 of salt and record. */
  readonly leaf: string
  readonly record: string
  /** 16 bytes. */
  readonly salt: string
  /** COSE receipt of inclusion (RFC 9942). */
  readonly receipt: string
  /** Signed note (C2SP tlog-checkpoint), with the cosignatures so far. */
  readonly checkpoint: string
}

/** A message on `$notary/audit/receipt/<client-id>`: the receipt for a publish of this connection. */
export interface PushedReceipt extends ReceiptJson {
  readonly topic: string
  /** Of a signed publish. */
  readonly seq?: number
  /** Of the application payload: the inner one of an envelope. */
  readonly payloadSha256: string
}

/** The other message there: receipts that are not pushed, as too many were waiting. They can be asked for by index. */
export interface DroppedReceipts {
  readonly dropped: number
  /** All of them are from here ... */
  readonly fromIndex: number
  /** ... to here. */
  readonly toIndex: number
}
