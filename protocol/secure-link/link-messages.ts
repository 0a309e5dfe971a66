import { CborReader, CborWriter } from '../cbor/index.ts'

/** A signed publish on a link: what would be topic and payload over MQTT. */
export interface LinkPublish {
  readonly topic: string
  /** An attached envelope: a COSE_Sign1, or the COSE_Mac0 around one. */
  readonly envelope: Uint8Array
}

/** What became of one. */
export interface LinkAnswer {
  /** Reason Code as in a MQTT 5 PUBACK: 0 when it is recorded [MQTT-5.0 3.4.2.1]. */
  readonly reasonCode: number
  /** Index of its record; undefined when it was refused, or recorded before under an index that is not told again. */
  readonly index: number | undefined
}

/** `[topic, envelope]` */
export function encodeLinkPublish({ topic, envelope }: LinkPublish): Uint8Array {
  return new CborWriter(envelope.length + topic.length + 16).array(2).text(topic).bytes(envelope).finish()
}

/** @throws {ProtocolError} ERR_CBOR_* */
export function decodeLinkPublish(content: Uint8Array): LinkPublish {
  const reader = new CborReader(content)
  reader.array(2)
  const topic = reader.text()
  const envelope = reader.bytes()
  reader.end()
  return { topic, envelope }
}

/** `[reason code, index or nil]` */
export function encodeLinkAnswer({ reasonCode, index }: LinkAnswer): Uint8Array {
  const writer = new CborWriter(16).array(2).int(reasonCode)
  if (index === undefined) writer.nil()
  else writer.int(index)
  return writer.finish()
}

/** @throws {ProtocolError} ERR_CBOR_* */
export function decodeLinkAnswer(content: Uint8Array): LinkAnswer {
  const reader = new CborReader(content)
  reader.array(2)
  const reasonCode = reader.uint()
  let index: number | undefined
  if (reader.isNil()) reader.nil()
  else index = reader.uint()
  reader.end()
  return { reasonCode, index }
}
