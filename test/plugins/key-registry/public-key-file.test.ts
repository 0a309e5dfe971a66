import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { nativeCrypto, parsePublicKeyPem, readKeysDirectory } from '../../../plugins/index.ts'
import { coseKeyOfP256, encodeCbor, p256ToJwk, toBase64url, toHex } from '../../../protocol/index.ts'
import { publicPem } from '../../helpers/key-files.ts'
import { numberedKey } from '../../helpers/keys.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

const key = numberedKey(7)
const spki = (object: KeyObject) => object.export({ type: 'spki', format: 'pem' }).toString()
const parse = (pem: string) => parsePublicKeyPem(pem, nativeCrypto)

/** Message of the refusal: it is the operator's, and says what is wrong. */
function refusalOf(pem: string): string {
  try {
    parse(pem)
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ERR_KEY_FILE')
    return (error as Error).message
  }
  assert.fail('it was taken')
}

test('a P-256 public key is read, with text around it and any line ends', () => {
  const pem = publicPem(key)
  for (const text of [pem, `comment\n${pem}`, pem.replaceAll('\n', '\r\n'), `${pem}\n\n`]) {
    assert.deepEqual([toHex(parse(text).x), toHex(parse(text).y)], [toHex(key.x), toHex(key.y)])
  }
})

test('a private key is refused, in every form that PEM has for it', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'secret' } as const
  const forms = [
    privateKey.export({ type: 'pkcs8', format: 'pem' }),
    privateKey.export({ type: 'sec1', format: 'pem' }),
    privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }),
    `${publicPem(key)}${privateKey.export({ type: 'pkcs8', format: 'pem' })}`,
  ]
  for (const pem of forms) assert.match(refusalOf(pem.toString()), /private key/)
})

test('keys of other curves and algorithms are refused', () => {
  const others = [
    generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey,
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey,
    generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey,
    generateKeyPairSync('ed25519').publicKey,
    generateKeyPairSync('x25519').publicKey,
  ]
  for (const other of others) assert.match(refusalOf(spki(other)), /not an ECDSA P-256 key/)
})

test('garbage, half a file and other PEM are refused', () => {
  const pem = publicPem(key)
  const bad = ['', 'garbage', pem.slice(0, 80), pem.replace('MFkw', 'AAAA'), pem.replace('PUBLIC KEY', 'CERTIFICATE')]
  for (const text of bad) assert.match(refusalOf(text), /not a public key/, text.slice(0, 30))
})

test('the keys of a directory are named after their files, in the order of the names', (t) => {
  const directory = temporaryDirectory(t)
  for (const [name, n] of [
    ['zebra', 1],
    ['Äpfel 7', 2],
    ['a.b', 3],
  ] as const) {
    writeFileSync(join(directory, `${name}.pem`), publicPem(numberedKey(n)))
  }
  writeFileSync(join(directory, 'README.txt'), 'not a key')
  const keys = readKeysDirectory(directory, nativeCrypto)
  assert.deepEqual(
    keys.map(({ name, key }) => [name, toHex(key.x)]),
    (
      [
        ['a.b', 3],
        ['zebra', 1],
        ['Äpfel 7', 2],
      ] as const
    ).map(([name, n]) => [name, toHex(numberedKey(n).x)]),
  )
})

test('a directory with one file that is no key is refused, naming the file', (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'good.pem'), publicPem(key))
  writeFileSync(join(directory, 'bad.pem'), 'garbage')
  assert.throws(() => readKeysDirectory(directory, nativeCrypto), { code: 'ERR_KEY_FILE', message: /bad\.pem: / })
})

test('a directory that is not there, or a folder named like a key, is refused', (t) => {
  const directory = temporaryDirectory(t)
  const gone = join(directory, 'gone')
  assert.throws(() => readKeysDirectory(gone, nativeCrypto), { code: 'ERR_KEY_FILE', message: /gone/ })
  mkdirSync(join(directory, 'folder.pem'))
  assert.throws(() => readKeysDirectory(directory, nativeCrypto), { code: 'ERR_KEY_FILE', message: /folder\.pem/ })
  assert.deepEqual(readKeysDirectory(temporaryDirectory(t), nativeCrypto), [])
})

test('what was read is the key itself: it verifies as the original does', () => {
  const object = createPublicKey(publicPem(key))
  assert.equal(spki(object), publicPem(parse(publicPem(key))))
})

test('a directory may hold JWK and COSE_Key, the latter as it is or in base64url', (t) => {
  const directory = temporaryDirectory(t)
  const coseKey = encodeCbor(coseKeyOfP256(key))
  const files: Record<string, string | Uint8Array> = {
    'a.jwk': JSON.stringify(p256ToJwk(key)),
    'b.cbor': coseKey,
    'c.cose': `${toBase64url(coseKey)}\n`,
    'd.pem': publicPem(key),
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
  const keys = readKeysDirectory(directory, nativeCrypto)
  assert.deepEqual(
    keys.map((one) => [one.name, toHex(one.key.x)]),
    ['a', 'b', 'c', 'd'].map((name) => [name, toHex(key.x)]),
  )
})

test('what is no public key of its format is refused, naming the file', (t) => {
  const coseKey = encodeCbor(coseKeyOfP256(key))
  const cases: Record<string, string | Uint8Array> = {
    'private.jwk': JSON.stringify({ ...p256ToJwk(key), d: 'AQ' }),
    'text.jwk': 'x',
    'long.cbor': Uint8Array.of(...coseKey, 0),
    'empty.cose': '',
    'wrong.cose': toBase64url(coseKey.subarray(1)),
  }
  for (const [name, content] of Object.entries(cases)) {
    const directory = temporaryDirectory(t)
    writeFileSync(join(directory, name), content)
    assert.throws(() => readKeysDirectory(directory, nativeCrypto), { code: 'ERR_KEY_FILE', message: new RegExp(name) })
  }
})
