/** Length and bytes of the client id: no client's keys lie among another's. [MQTT-5.0 1.5.4]: at most 65,535 bytes. */
export function clientPrefix(clientId: string): Buffer {
  const id = Buffer.from(clientId)
  const prefix = Buffer.allocUnsafe(2 + id.length)
  prefix.writeUInt16BE(id.length, 0)
  id.copy(prefix, 2)
  return prefix
}

/** Client id and what follows it in a key. */
export function splitKey(key: Uint8Array): { clientId: string; rest: Buffer } {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  const end = 2 + bytes.readUInt16BE(0)
  return { clientId: bytes.toString('utf8', 2, end), rest: bytes.subarray(end) }
}

/** In the order of the numbers. */
export function numberKey(prefix: Buffer, number: number): Buffer {
  const end = Buffer.allocUnsafe(8)
  end.writeBigUInt64BE(BigInt(number))
  return Buffer.concat([prefix, end])
}

export function packetIdKey(prefix: Buffer, packetId: number): Buffer {
  const id = Buffer.allocUnsafe(2)
  id.writeUInt16BE(packetId)
  return Buffer.concat([prefix, id])
}

export function numberOfKey(rest: Buffer): number {
  return Number(rest.readBigUInt64BE(0))
}
