import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto } from '../../plugins/native-crypto.ts'
import { type CryptoProvider, fromHex, nobleCrypto, toHex } from '../../protocol/index.ts'
import { bytes, bytesOf, fcSeed } from '../helpers/arbitraries.ts'
import { hex } from '../helpers/vectors.ts'

const providers: Readonly<Record<string, CryptoProvider>> = { noble: nobleCrypto, native: nativeCrypto }

/** Test cases 4 and 16 of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B. */
const gcm = {
  iv: hex('cafebabefacedbaddecaf888'),
  aad: hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
  plaintext: hex(`
    d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
    1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39`),
  cases: {
    'AES-128': [
      'feffe9928665731c6d6a8f9467308308',
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47',
    ],
    'AES-256': [
      'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
    ],
  },
} as const

/** RFC 3394 sections 4.3 and 4.6. */
const keyWrap = {
  kek: hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'),
  cases: {
    '00112233445566778899aabbccddeeff': '64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7',
    '00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f':
      '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
  },
} as const

for (const [name, crypto] of Object.entries(providers)) {
  for (const [cipher, [key, expected]] of Object.entries(gcm.cases)) {
    test(`${name} gives the published result of ${cipher} in Galois/Counter Mode, both ways`, () => {
      const sealed = crypto.sealAesGcm(fromHex(key), gcm.iv, gcm.aad, gcm.plaintext)
      assert.equal(toHex(sealed), expected)
      const opened = crypto.openAesGcm(fromHex(key), gcm.iv, gcm.aad, fromHex(expected))
      assert.equal(opened && toHex(opened), toHex(gcm.plaintext))
    })
  }

  test(`${name} gives the results of RFC 3394 for keys of both lengths, both ways`, () => {
    for (const [key, wrapped] of Object.entries(keyWrap.cases)) {
      assert.equal(toHex(crypto.wrapAesKey(keyWrap.kek, fromHex(key))), wrapped)
      const unwrapped = crypto.unwrapAesKey(keyWrap.kek, fromHex(wrapped))
      assert.equal(unwrapped && toHex(unwrapped), key)
    }
  })

  test(`${name} opens nothing of which one bit is another, be it ciphertext, tag, data, IV or key`, () => {
    const key = fromHex(gcm.cases['AES-256'][0])
    const sealed = fromHex(gcm.cases['AES-256'][1])
    const flipped = (value: Uint8Array, at: number) => value.with(at, (value[at] as number) ^ 1)
    for (let at = 0; at < sealed.length; at++) {
      assert.equal(crypto.openAesGcm(key, gcm.iv, gcm.aad, flipped(sealed, at)), undefined, `byte ${at}`)
      assert.equal(crypto.openAesGcm(key, gcm.iv, gcm.aad, sealed.subarray(0, at)), undefined, `${at} bytes`)
    }
    assert.equal(crypto.openAesGcm(flipped(key, 31), gcm.iv, gcm.aad, sealed), undefined)
    assert.equal(crypto.openAesGcm(key, flipped(gcm.iv, 0), gcm.aad, sealed), undefined)
    assert.equal(crypto.openAesGcm(key, gcm.iv, flipped(gcm.aad, 0), sealed), undefined)
    const wrapped = crypto.wrapAesKey(keyWrap.kek, key)
    for (let at = 0; at < wrapped.length; at++) {
      assert.equal(crypto.unwrapAesKey(keyWrap.kek, flipped(wrapped, at)), undefined, `byte ${at}`)
    }
  })
}

test('noble and OpenSSL seal and wrap to the same bytes, and open what the other made', () => {
  const key = fc.oneof(bytesOf(16), bytesOf(32))
  fc.assert(
    fc.property(key, bytesOf(12), bytes(60), bytes(300), bytesOf(32), (aesKey, iv, aad, plaintext, kek) => {
      const [sealed, sealedNatively] = [nobleCrypto, nativeCrypto].map((crypto) =>
        crypto.sealAesGcm(aesKey, iv, aad, plaintext),
      ) as [Uint8Array, Uint8Array]
      assert.equal(toHex(sealed), toHex(sealedNatively))
      const wrapped = nobleCrypto.wrapAesKey(kek, aesKey)
      assert.equal(toHex(wrapped), toHex(nativeCrypto.wrapAesKey(kek, aesKey)))
      for (const crypto of [nobleCrypto, nativeCrypto]) {
        assert.equal(toHex(crypto.openAesGcm(aesKey, iv, aad, sealed) ?? fromHex('ff')), toHex(plaintext))
        assert.equal(toHex(crypto.unwrapAesKey(kek, wrapped) ?? fromHex('ff')), toHex(aesKey))
      }
    }),
    { seed: fcSeed, numRuns: 200 },
  )
})
