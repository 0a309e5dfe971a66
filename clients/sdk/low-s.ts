/** Order of P-256 (SEC 2 section 2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The same signature with s in the lower half: each has two forms, and what is sent has one. @param signature r || s */
export function toLowS(signature: Uint8Array): Uint8Array {
  let s = 0n
  for (const byte of signature.subarray(32)) s = (s << 8n) | BigInt(byte)
  if (s <= order >> 1n) return signature
  const low = signature.slice()
  s = order - s
  for (let at = 63; at >= 32; at--, s >>= 8n) low[at] = Number(s & 0xffn)
  return low
}
