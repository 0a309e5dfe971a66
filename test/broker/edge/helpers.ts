import assert from 'node:assert/strict'
import {
  type AcknowledgementPacket,
  type ConnectPacket,
  checkClientPacketType,
  checkPingreq,
  type DisconnectPacket,
  type Frame,
  Framer,
  MqttError,
  type MqttErrorCode,
  type ProtocolVersion,
  type PublishPacket,
  packetType,
  parseAcknowledgement,
  parseConnect,
  parseDisconnect,
  parsePublish,
  parseSubscribe,
  parseUnsubscribe,
  type SubscribePacket,
  type UnsubscribePacket,
} from '../../../broker/edge/index.ts'

export const versions: readonly ProtocolVersion[] = [3, 4, 5]

/** Bytes from hexadecimal digits with spaces; `'text'` stands for a string of MQTT: two bytes of length, then UTF-8. */
export function bytes(text: string): Buffer {
  const parts = text.match(/'[^']*'|[0-9a-f]{2}|\S/g) ?? []
  return Buffer.concat(
    parts.map((part) => {
      if (part.startsWith("'") && part.length > 1) return mqttString(part.slice(1, -1))
      assert.match(part, /^[0-9a-f]{2}$/, `in ${text}`)
      return Buffer.from(part, 'hex')
    }),
  )
}

/** Binary Data: two bytes of length, then the content. */
export function mqttString(content: string | Uint8Array): Buffer {
  const data = Buffer.from(content as string)
  return Buffer.concat([Buffer.from([data.length >> 8, data.length & 0xff]), data])
}

/** A whole packet with a body of less than 128 bytes. */
export function packet(first: number, body: Uint8Array): Buffer {
  assert.ok(body.length < 128)
  return Buffer.concat([Buffer.from([first, body.length]), body])
}

/** Asserts that `run` throws a MqttError of this code. */
export function throwsMqtt(run: () => unknown, code: MqttErrorCode, message?: string): MqttError {
  let result: unknown
  try {
    result = run()
  } catch (error) {
    if (!(error instanceof MqttError)) throw error
    assert.equal(error.code, code, `${message ?? ''}: ${error.message}`)
    return error
  }
  return assert.fail(`${message ?? 'call'}: expected ${code}, got ${JSON.stringify(result)}`)
}

export type ClientPacket =
  | ConnectPacket
  | PublishPacket
  | AcknowledgementPacket
  | SubscribePacket
  | UnsubscribePacket
  | DisconnectPacket
  | undefined

/** Parses whatever a client may send; a PINGREQ is undefined. */
export function parseFrame({ type, flags, body }: Frame, version: ProtocolVersion): ClientPacket {
  checkClientPacketType(type, version)
  switch (type) {
    case packetType.connect:
      return parseConnect(flags, body)
    case packetType.publish:
      return parsePublish(flags, body, version)
    case packetType.subscribe:
      return parseSubscribe(flags, body, version)
    case packetType.unsubscribe:
      return parseUnsubscribe(flags, body, version)
    case packetType.pingreq:
      checkPingreq(flags, body, version)
      return undefined
    case packetType.disconnect:
      return parseDisconnect(flags, body, version)
    default:
      return parseAcknowledgement(type, flags, body, version)
  }
}

/** Parses one whole packet, framing included. */
export function parsePacket(packetBytes: Uint8Array, version: ProtocolVersion): ClientPacket {
  const framer = new Framer(0)
  framer.push(Buffer.from(packetBytes))
  const frame = framer.next()
  assert.ok(frame !== undefined, 'a whole packet')
  assert.equal(framer.bufferedBytes, 0, 'nothing after the packet')
  return parseFrame(frame, version)
}
