/** Largest Variable Byte Integer, hence largest Remaining Length. [MQTT-5.0 1.5.5], [MQTT-3.1.1 2.2.3] */
export const maxRemainingLength = 268_435_455

/** Bytes that a Variable Byte Integer takes in its shortest form. [MQTT-5.0 1.5.5-1] */
export function variableByteIntegerBytes(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  return value < 0x200000 ? 3 : 4
}

/** @param value 0 to {@link maxRemainingLength}. @returns where the next value begins */
export function writeVariableByteInteger(target: Buffer, offset: number, value: number): number {
  let at = offset
  let rest = value
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[at++] = rest
  return at
}
