import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import { type CryptoProvider, fromHex, nobleCrypto, toHex } from '../../protocol/index.ts'
import { key11, keyMeriadoc } from '../helpers/keys.ts'
import { readVectors } from '../helpers/vectors.ts'

interface EcdsaVectors {
  readonly testGroups: readonly {
    readonly publicKey: { readonly uncompressed: string }
    readonly tests: readonly {
      readonly tcId: number
      readonly comment: string
      readonly msg: string
      readonly sig: string
      readonly result: 'valid' | 'invalid'
    }[]
  }[]
}

const providers: Readonly<Record<string, CryptoProvider>> = { noble: nobleCrypto, native: nativeCrypto }

test('noble and native agree with all 262 Wycheproof verdicts on ECDSA P-256, high-S ones included', async () => {
  const { testGroups } = readVectors<EcdsaVectors>('wycheproof/ecdsa_secp256r1_sha256_p1363_test.json')
  const verdicts: Record<string, number> = {}
  let total = 0
  for (const { publicKey, tests } of testGroups) {
    const point = fromHex(publicKey.uncompressed)
    const key = { x: point.subarray(1, 33), y: point.subarray(33) }
    for (const [name, provider] of Object.entries(providers)) assert.ok(provider.isOnCurveP256(key), name)
    for (const { tcId, comment, msg, sig, result } of tests) {
      total++
      for (const [name, provider] of Object.entries(providers)) {
        const valid = await provider.verifyP256(key, fromHex(msg), fromHex(sig))
        assert.equal(valid, result === 'valid', `${name} on test ${tcId}: ${comment}`)
        if (valid) verdicts[name] = (verdicts[name] ?? 0) + 1
      }
    }
  }
  assert.equal(total, 262)
  assert.deepEqual(verdicts, { noble: 173, native: 173 })
})

for (const [name, provider] of Object.entries(providers)) {
  describe(`the ${name} provider`, () => {
    test('makes signatures that both providers verify, and that hold for one key and message only', async () => {
      const message = Uint8Array.of(1, 2, 3)
      for (let round = 0; round < 8; round++) {
        const signature = provider.signP256(key11, message)
        assert.equal(signature.length, 64)
        for (const verifier of Object.values(providers)) {
          assert.equal(await verifier.verifyP256(key11, message, signature), true)
          assert.equal(await verifier.verifyP256(keyMeriadoc, message, signature), false)
          assert.equal(await verifier.verifyP256(key11, Uint8Array.of(1, 2, 4), signature), false)
        }
      }
    })
    test('takes a signature of another length for invalid and does not throw', async () => {
      for (const length of [0, 63, 65, 70, 72, 128]) {
        assert.equal(await provider.verifyP256(key11, new Uint8Array(1), new Uint8Array(length)), false)
      }
    })
    test('hashes the parts as one message', () => {
      const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
      const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
      assert.equal(toHex(provider.sha256(fromHex('616263'))), abc)
      assert.equal(toHex(provider.sha256(fromHex('61'), fromHex(''), fromHex('6263'))), abc)
      assert.equal(toHex(provider.sha256()), empty)
      assert.equal(toHex(provider.sha256(new Uint8Array(0))), empty)
      const long = new Uint8Array(5000).fill(0x61)
      assert.equal(toHex(provider.sha256(long, long)), toHex(provider.sha256(new Uint8Array(10_000).fill(0x61))))
    })
    test('gives as many random bytes as asked for, and never the same twice', () => {
      assert.equal(provider.randomBytes(0).length, 0)
      assert.notEqual(toHex(provider.randomBytes(16)), toHex(provider.randomBytes(16)))
      assert.equal(provider.randomBytes(160).length, 160)
    })
    test('knows points of P-256 from others', () => {
      assert.equal(provider.isOnCurveP256(key11), true)
      assert.equal(provider.isOnCurveP256({ x: key11.x, y: key11.x }), false)
      assert.equal(provider.isOnCurveP256({ x: new Uint8Array(32), y: new Uint8Array(32) }), false)
    })
  })
}

test('noble signatures are deterministic (RFC 6979) and low-S', () => {
  const halfOrder = BigInt('0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8')
  for (let i = 0; i < 20; i++) {
    const signature = nobleCrypto.signP256(key11, Uint8Array.of(i))
    assert.equal(toHex(signature), toHex(nobleCrypto.signP256(key11, Uint8Array.of(i))))
    assert.ok(BigInt(`0x${toHex(signature.subarray(32))}`) <= halfOrder)
  }
})
