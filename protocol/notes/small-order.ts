import { bytesEqual, fromHex } from '../bytes.ts'

/**
 * The y coordinates of the eight points of small order of edwards25519, little-endian, among them those that are
 * written with a number of p or more: 0, 1, the two of order 8, p - 1, p and p + 1. The sign of x does not matter.
 */
const smallOrder = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(fromHex)

/**
 * Whether an Ed25519 public key is a point of small order: under such a key some signatures are valid for many texts,
 * and whether they are differs between implementations.
 * @param publicKey 32 bytes
 */
export function isSmallOrder(publicKey: Uint8Array): boolean {
  const y = publicKey.slice()
  y[31] = (y[31] as number) & 0x7f
  return smallOrder.some((one) => bytesEqual(one, y))
}
