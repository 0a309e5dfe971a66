import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import { concatBytes } from '../../protocol/bytes.ts'
import {
  type CryptoProvider,
  checkedP256,
  fromBase64url,
  fromHex,
  nobleCrypto,
  ProtocolError,
  p256FromJwk,
  toHex,
} from '../../protocol/index.ts'
import { bytes, bytesOf, fcSeed } from '../helpers/arbitraries.ts'
import { codeOf, throwsCode } from '../helpers/codes.ts'
import { key11, keyMeriadoc, numberedKey, testKey } from '../helpers/keys.ts'
import { readVectors } from '../helpers/vectors.ts'

interface Vectors<Test> {
  readonly testGroups: readonly (Readonly<Record<string, unknown>> & { readonly tests: readonly Test[] })[]
}
interface Verdict {
  readonly tcId: number
  readonly comment: string
  readonly result: 'valid' | 'invalid'
}
interface EcdhTest extends Verdict {
  readonly public: { readonly x: string; readonly y: string }
  readonly private: { readonly x: string; readonly y: string; readonly d: string }
  readonly shared: string
}
interface HmacTest extends Verdict {
  readonly key: string
  readonly msg: string
  readonly tag: string
}
interface HkdfTest extends Verdict {
  readonly ikm: string
  readonly salt: string
  readonly info: string
  readonly size: number
  readonly okm: string
}

const providers: Readonly<Record<string, CryptoProvider>> = { noble: nobleCrypto, native: nativeCrypto }
const zeroSecret = '00'.repeat(32)

/** The two ways in which a public key gets to ECDH: both refuse what is no point of the curve. */
const entryPoints = {
  'read from a JWK and checked': (key: EcdhTest['public'], crypto: CryptoProvider) => p256FromJwk(key, crypto),
  'taken as coordinates, unchecked': ({ x, y }: EcdhTest['public']) => ({ x: fromBase64url(x), y: fromBase64url(y) }),
} as const

for (const [name, crypto] of Object.entries(providers)) {
  for (const [how, read] of Object.entries(entryPoints)) {
    test(`${name} gives all 353 Wycheproof results of ECDH P-256, with public keys ${how}`, () => {
      const { testGroups } = readVectors<Vectors<EcdhTest>>('wycheproof/ecdh_secp256r1_webcrypto_test.json')
      const tests = testGroups.flatMap((group) => group.tests)
      const counts = { shared: 0, 'all zero': 0, refused: 0 }
      for (const { tcId, comment, public: publicKey, private: own, shared, result } of tests) {
        const privateKey = { d: fromBase64url(own.d), x: fromBase64url(own.x), y: fromBase64url(own.y) }
        const compute = () => crypto.ecdhP256(privateKey, read(publicKey, crypto))
        if (result === 'valid' && shared !== zeroSecret) {
          assert.equal(toHex(compute()), shared, `${tcId}: ${comment}`)
          counts.shared++
        } else {
          // Wycheproof takes the all-zero coordinate, which belongs to a point, for valid: no peer needs it, so we do not.
          assert.match(codeOf(compute) ?? 'no error', /^ERR_KEY_(INVALID|UNSUPPORTED)$/, `${tcId}: ${comment}`)
          counts[result === 'valid' ? 'all zero' : 'refused']++
        }
      }
      assert.deepEqual(counts, { shared: 329, 'all zero': 1, refused: 23 })
    })
  }

  test(`${name} gives the 87 Wycheproof verdicts on whole HMAC-SHA-256 tags; the 87 on truncated ones are not ours`, () => {
    const { testGroups } = readVectors<Vectors<HmacTest>>('wycheproof/hmac_sha256_test.json')
    const counts = { valid: 0, invalid: 0, truncated: 0 }
    for (const { tests, tagSize } of testGroups) {
      for (const { tcId, comment, key, msg, tag, result } of tests) {
        // HMAC 256/64 and its like are refused by their algorithm number and by the length of the tag.
        if (tagSize !== 256) {
          counts.truncated++
          assert.equal(crypto.isEqualInConstantTime(crypto.hmacSha256(fromHex(key), fromHex(msg)), fromHex(tag)), false)
          continue
        }
        const isValid = crypto.isEqualInConstantTime(crypto.hmacSha256(fromHex(key), fromHex(msg)), fromHex(tag))
        assert.equal(isValid, result === 'valid', `${tcId}: ${comment}`)
        counts[result]++
      }
    }
    assert.deepEqual(counts, { valid: 33, invalid: 54, truncated: 87 })
  })

  test(`${name} gives all 86 Wycheproof results of HKDF-SHA-256, and refuses to yield too much`, () => {
    const { testGroups } = readVectors<Vectors<HkdfTest>>('wycheproof/hkdf_sha256_test.json')
    const counts = { valid: 0, invalid: 0 }
    for (const { tcId, comment, ikm, salt, info, size, okm, result } of testGroups.flatMap((group) => group.tests)) {
      const derive = () => crypto.hkdfSha256(fromHex(ikm), fromHex(salt), fromHex(info), size)
      if (result === 'valid') assert.equal(toHex(derive()), okm, `${tcId}: ${comment}`)
      else assert.throws(derive, RangeError, `${tcId}: ${comment}`)
      counts[result]++
    }
    assert.deepEqual(counts, { valid: 83, invalid: 3 })
  })

  test(`${name} makes key pairs that belong together, each another`, () => {
    const scalars = new Set<string>()
    // Enough OpenSSL keys to meet scalars that begin with a zero.
    const rounds = name === 'native' ? 1000 : 20
    for (let i = 0; i < rounds; i++) {
      const { d, x, y } = crypto.generateP256()
      assert.deepEqual([d.length, x.length, y.length], [32, 32, 32])
      scalars.add(toHex(d))
      if (i >= 20 && d[0] !== 0) continue
      const { x: expectedX, y: expectedY } = testKey(toHex(d))
      assert.deepEqual([toHex(x), toHex(y)], [toHex(expectedX), toHex(expectedY)])
    }
    assert.equal(scalars.size, rounds)
  })

  test(`${name} refuses private keys outside of the group`, () => {
    const order = fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
    for (const d of [new Uint8Array(32), order, new Uint8Array(32).fill(0xff)]) {
      throwsCode(() => crypto.ecdhP256({ ...key11, d }, keyMeriadoc), 'ERR_KEY_INVALID')
    }
  })

  test(`${name} compares bytes in all their positions`, () => {
    const a = Uint8Array.from({ length: 32 }, (_, i) => i)
    assert.equal(crypto.isEqualInConstantTime(a, a.slice()), true)
    for (let i = 0; i < 32; i++) assert.equal(crypto.isEqualInConstantTime(a, a.with(i, 255)), false, `byte ${i}`)
    assert.equal(crypto.isEqualInConstantTime(a, a.subarray(1)), false)
    assert.equal(crypto.isEqualInConstantTime(new Uint8Array(0), new Uint8Array(0)), true)
  })
}

test('both sides of an ECDH come to the same secret, by either provider', () => {
  const scalar = bytesOf(32).filter((d) => d[0] !== 0xff && d.some((byte) => byte !== 0))
  fc.assert(
    fc.property(scalar, fc.integer({ min: 1, max: 1000 }), (d, n) => {
      const one = testKey(toHex(d))
      const other = numberedKey(n)
      const secrets = [nobleCrypto, nativeCrypto].flatMap((crypto) => [
        toHex(crypto.ecdhP256(one, other)),
        toHex(crypto.ecdhP256(other, one)),
      ])
      assert.equal(new Set(secrets).size, 1)
    }),
    { seed: fcSeed, numRuns: 60 },
  )
})

test('noble and OpenSSL refuse the same points', () => {
  const tried = fc.tuple(bytesOf(32), bytesOf(32))
  fc.assert(
    fc.property(tried, ([x, y]) => {
      for (const crypto of [nobleCrypto, nativeCrypto]) {
        assert.throws(() => crypto.ecdhP256(key11, { x, y }), ProtocolError)
        throwsCode(() => checkedP256(x, y, crypto), 'ERR_KEY_INVALID')
      }
    }),
    { seed: fcSeed, numRuns: 100 },
  )
})

test('HMAC is the same by noble, by OpenSSL, and however the message is cut into parts', () => {
  // Keys beyond one block of the hash, and messages beyond what is hashed in one piece.
  const long = fc.nat({ max: 9000 }).map((length) => new Uint8Array(length).fill(0x61))
  fc.assert(
    fc.property(bytes(80), fc.array(fc.oneof(bytes(), long), { maxLength: 5 }), (key, parts) => {
      const whole = toHex(nobleCrypto.hmacSha256(key, concatBytes(...parts)))
      for (const crypto of [nobleCrypto, nativeCrypto]) assert.equal(toHex(crypto.hmacSha256(key, ...parts)), whole)
    }),
    { seed: fcSeed, numRuns: 400 },
  )
})

test('HKDF is the same by noble and by OpenSSL', () => {
  fc.assert(
    fc.property(bytes(70), bytes(70), bytes(120), fc.integer({ min: 1, max: 200 }), (ikm, salt, info, length) => {
      const [a, b] = [nobleCrypto, nativeCrypto].map((crypto) => toHex(crypto.hkdfSha256(ikm, salt, info, length)))
      assert.equal(a, b)
    }),
    { seed: fcSeed, numRuns: 200 },
  )
})
