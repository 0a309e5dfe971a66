import assert from 'node:assert/strict'
import { createCipheriv, createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { openFernet, sealFernet } from '../../../clients/secure-mqtt-client/index.ts'
import { throwsClientCode } from '../../helpers/client-errors.ts'
import { runPython } from '../../helpers/python.ts'
import { SeededRandom } from '../../helpers/random.ts'
import { hasPython } from '../../helpers/tools.ts'

const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
const nowMs = 1_767_225_600_000
const nowSeconds = nowMs / 1000

interface TokenParts {
  readonly version?: number
  readonly seconds?: number
  readonly iv?: Buffer
  /** Before encryption, padding included. */
  readonly padded?: Buffer
  readonly ciphertext?: Buffer
  /** Takes the place of the IV that the plaintext was encrypted with. */
  readonly sentIv?: Buffer
  readonly mac?: Buffer
}

/** A token by the letter of the specification, each part of it as wanted. */
function tokenOf(parts: TokenParts = {}): string {
  const { version = 0x80, seconds = nowSeconds, iv = Buffer.alloc(16, 7) } = parts
  const { padded = Buffer.concat([Buffer.from('hello'), Buffer.alloc(11, 11)]), sentIv = iv } = parts
  const ciphertext = parts.ciphertext ?? encrypted(padded, iv)
  const head = Buffer.alloc(9)
  head[0] = version
  head.writeBigUInt64BE(BigInt(seconds), 1)
  const signed = Buffer.concat([head, sentIv, ciphertext])
  const mac = parts.mac ?? createHmac('sha256', key.subarray(0, 16)).update(signed).digest()
  return paddedBase64url(Buffer.concat([signed, mac]))
}

function encrypted(padded: Buffer, iv: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv).setAutoPadding(false)
  return Buffer.concat([cipher.update(padded), cipher.final()])
}

function paddedBase64url(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

test('a token by the letter of the specification opens, and what is sealed opens to what it was', () => {
  assert.equal(Buffer.from(openFernet(key, tokenOf(), nowMs)).toString(), 'hello')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 32, maxLength: 32 }), (text, anyKey) => {
      assert.deepEqual(new Uint8Array(openFernet(anyKey, sealFernet(anyKey, text, nowMs), nowMs)), text)
    }),
    { seed: 7, numRuns: 200 },
  )
})

test('two tokens for one text differ, as each has an IV of its own', () => {
  assert.notEqual(sealFernet(key, Buffer.from('x'), nowMs), sealFernet(key, Buffer.from('x'), nowMs))
})

for (const [what, token] of [
  ['too short', paddedBase64url(Buffer.alloc(40, 0x80))],
  ['empty', ''],
  ['of another version', tokenOf({ version: 0x81 })],
  ['without ciphertext', tokenOf({ ciphertext: Buffer.alloc(0) })],
  ['with a ciphertext that is not whole blocks', tokenOf({ ciphertext: Buffer.alloc(17) })],
  ['whose padding says 0', tokenOf({ padded: Buffer.alloc(16) })],
  ['whose padding is longer than a block', tokenOf({ padded: Buffer.alloc(16, 17) })],
  ['whose padding is not the same byte all through', tokenOf({ padded: Buffer.from('0123456789abc\x02\x03\x03') })],
  // A full block of padding: with the IV wrong by one bit its last byte is another one.
  ['with an incorrect IV', tokenOf({ padded: Buffer.alloc(16, 16), sentIv: Buffer.alloc(16, 6) })],
  ['that is not base64', `${tokenOf().slice(0, -4)}*AAA`],
  ['in base64 with + and /', Buffer.from(tokenOf(), 'base64url').fill(0xfb, 9, 25).toString('base64')],
  ['without the padding of base64', tokenOf().replace(/=+$/, '')],
  ['with stray bits in its last digit', tokenOf().replace(/A(=*)$|.(=+)$/, 'B$2')],
  ['with a line end', `${tokenOf()}\n`],
] as const) {
  test(`a token ${what} is malformed`, () =>
    throwsClientCode(() => openFernet(key, token, nowMs), 'ERR_FERNET_MALFORMED'))
}

test('a token with an incorrect MAC, or by another key, does not verify', () => {
  const wrong = tokenOf({ mac: Buffer.alloc(32) })
  throwsClientCode(() => openFernet(key, wrong, nowMs), 'ERR_FERNET_MAC')
  throwsClientCode(() => openFernet(Buffer.alloc(32), tokenOf(), nowMs), 'ERR_FERNET_MAC')
})

test('no bit of a token can be flipped without being noticed', () => {
  const token = Buffer.from(tokenOf(), 'base64url')
  for (let bit = 0; bit < token.length * 8; bit++) {
    const flipped = Buffer.from(token)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    const code = bit < 8 ? 'ERR_FERNET_MALFORMED' : 'ERR_FERNET_MAC'
    throwsClientCode(() => openFernet(key, paddedBase64url(flipped), nowMs), code, `bit ${bit}`)
  }
})

test('a token is good for a minute from when it was made, and for a minute before', () => {
  for (const [seconds, isGood] of [
    [nowSeconds - 60, true],
    [nowSeconds - 61, false],
    [nowSeconds + 60, true],
    [nowSeconds + 61, false],
    [2 ** 53, false],
  ] as const) {
    const open = () => openFernet(key, tokenOf({ seconds }), nowMs)
    if (isGood) assert.equal(Buffer.from(open()).toString(), 'hello')
    else throwsClientCode(open, 'ERR_FERNET_TIME', `${seconds}`)
  }
})

test('a token that is expired and forged is called forged: its time is nobody’s word', () => {
  const token = tokenOf({ seconds: 1, mac: Buffer.alloc(32) })
  throwsClientCode(() => openFernet(key, token, nowMs), 'ERR_FERNET_MAC')
})

test('Python opens what we seal, and we open what Python seals', async (t) => {
  if (!hasPython(t)) return
  const random = new SeededRandom(70)
  const base64Key = paddedBase64url(key)
  for (const length of [0, 15, 16, 200]) {
    const text = Buffer.from(random.bytes(length))
    const sealed = sealFernet(key, text, nowMs)
    const opened = await runPython(t, ['fernet_tool.py', 'open', base64Key, sealed])
    assert.deepEqual(opened, { code: 0, stdout: `${text.toString('hex')}\n`, stderr: '' })
    const theirs = await runPython(t, ['fernet_tool.py', 'seal', base64Key, `${nowSeconds}`, text.toString('hex')])
    assert.deepEqual(Buffer.from(openFernet(key, theirs.stdout.trim(), nowMs)), text)
    const forged = `${sealed.slice(0, 40)}${sealed[40] === 'A' ? 'B' : 'A'}${sealed.slice(41)}`
    const refused = await runPython(t, ['fernet_tool.py', 'open', base64Key, forged])
    assert.equal(refused.code, 1)
  }
})
