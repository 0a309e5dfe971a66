import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, diffieHellman, getDiffieHellman } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { derObjectId, derPositive, derSequence } from '../../../clients/secure-mqtt-client/der.ts'
import { dhKeyAgreement, fernetKeyOf, publicKeyPem } from '../../../clients/secure-mqtt-client/dh-key-pair.ts'
import { derParameters } from '../../../clients/secure-mqtt-client/dh-parameters.ts'
import {
  DhKeyPair,
  type DhParameters,
  defaultDhParameters,
  dhParametersPem,
  loadDhParameters,
  parseDhParameters,
} from '../../../clients/secure-mqtt-client/index.ts'
import { writePem } from '../../../clients/secure-mqtt-client/pem.ts'
import { throwsClientCode } from '../../helpers/client-errors.ts'
import { run } from '../../helpers/processes.ts'
import { runPython } from '../../helpers/python.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { hasPython, hasTool } from '../../helpers/tools.ts'

/** By `openssl dhparam 2048`. */
const opensslFile = fileURLToPath(new URL('../../vectors/dh/openssl-dhparam-2048.pem', import.meta.url))
const group16 = defaultDhParameters()
const group16File = (directory: string) => {
  const path = join(directory, 'group16.pem')
  writeFileSync(path, dhParametersPem(group16))
  return path
}

/** Big-endian, in its shortest form. */
function bytesOf(number: bigint): Uint8Array {
  const hex = number.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}

const primeOf = ({ prime }: DhParameters) => BigInt(`0x${Buffer.from(prime).toString('hex')}`)

test('the default is group 16 of RFC 3526: 4096 bits, generator 2', () => {
  assert.equal(primeOf(group16).toString(2).length, 4096)
  assert.deepEqual([...group16.generator], [2])
  assert.deepEqual(parseDhParameters(dhParametersPem(group16)), group16)
})

test('OpenSSL reads the default as we write it, and we read what openssl dhparam writes, with its text too', async (t) => {
  if (!hasTool(t, 'openssl', ['version'], 'openssl')) return
  const directory = temporaryDirectory(t)
  const text = await run(t, 'openssl', ['dhparam', '-in', group16File(directory), '-text', '-noout'])
  assert.match(text.stdout, /DH Parameters: \(4096 bit\)/)
  const parameters = loadDhParameters(opensslFile)
  assert.equal(primeOf(parameters).toString(2).length, 2048)
  const withText = await run(t, 'openssl', ['dhparam', '-in', opensslFile, '-text'])
  assert.match(withText.stdout, /^\s*DH Parameters/)
  assert.deepEqual(parseDhParameters(withText.stdout), parameters)
})

test('parameters that Python wrote with parameter_bytes are the same ones: in X9.42 of a group it knows, else in PKCS #3', async (t) => {
  if (!hasPython(t)) return
  for (const [parameters, label] of [
    [group16, 'X9.42 DH PARAMETERS'],
    [loadDhParameters(opensslFile), 'DH PARAMETERS'],
  ] as const) {
    const { stdout } = await runPython(t, ['fernet_tool.py', 'dhparam', primeOf(parameters).toString(16), '2'])
    assert.ok(stdout.startsWith(`-----BEGIN ${label}-----\n`), stdout)
    assert.deepEqual(parseDhParameters(stdout), parameters)
  }
})

test('two key pairs come to one Fernet key, which is HKDF of the secret with one zero byte each for salt and info', async (t) => {
  for (const parameters of [group16, loadDhParameters(opensslFile)]) {
    const [a, b] = [new DhKeyPair(parameters), new DhKeyPair(parameters)]
    const key = a.fernetKeyWith(b.publicPem)
    assert.equal(key.length, 32)
    assert.deepEqual(b.fernetKeyWith(a.publicPem), key)
    assert.notDeepEqual(new DhKeyPair(parameters).fernetKeyWith(a.publicPem), key)
  }
  if (!hasPython(t)) return
  // Zeros in front, which one secret in 256 has, count.
  const secret = Buffer.concat([Buffer.alloc(2), Buffer.alloc(510, 9)])
  const { stdout } = await runPython(t, ['fernet_tool.py', 'hkdf', secret.toString('hex')])
  assert.equal(stdout.trim(), Buffer.from(fernetKeyOf(secret)).toString('hex'))
})

test('a secret that begins with zeros is as long as the prime at both ends', () => {
  const parameters = loadDhParameters(opensslFile)
  // PrivateKeyInfo (RFC 5958) of the private key 2.
  const algorithm = derSequence(derObjectId(dhKeyAgreement), derParameters(parameters))
  const key = Buffer.from(derSequence(Buffer.of(2, 1, 0), algorithm, Buffer.of(4, 3, 2, 1, 2)))
  const privateKey = createPrivateKey({ key, type: 'pkcs8', format: 'der' })
  // p - 2 is -2: its square is 4, a secret of 255 zeros and a 4.
  const publicKey = createPublicKey(publicKeyPem(parameters, bytesOf(primeOf(parameters) - 2n)))
  assert.deepEqual([...diffieHellman({ privateKey, publicKey })], [...Buffer.alloc(255), 4])
})

test('the public key is SubjectPublicKeyInfo that OpenSSL reads', () => {
  const { publicPem } = new DhKeyPair(group16)
  const key = createPublicKey(publicPem)
  assert.equal(key.asymmetricKeyType, 'dh')
  assert.equal(key.export({ type: 'spki', format: 'pem' }), publicPem)
})

test('a public value has to be from 2 to p - 2', () => {
  const ours = new DhKeyPair(group16)
  const p = primeOf(group16)
  for (const value of [1n, p - 1n, p, p + 2n, p + p, 2n ** 8000n]) {
    throwsClientCode(() => ours.fernetKeyWith(publicKeyPem(group16, bytesOf(value))), 'ERR_DH_PUBLIC_KEY')
  }
  assert.equal(ours.fernetKeyWith(publicKeyPem(group16, bytesOf(2n))).length, 32)
  // No power of 2: OpenSSL knows the group, and looks.
  throwsClientCode(() => ours.fernetKeyWith(publicKeyPem(group16, bytesOf(p - 2n))), 'ERR_DH_PUBLIC_KEY')
  const unknown = loadDhParameters(opensslFile)
  const theirs = publicKeyPem(unknown, bytesOf(primeOf(unknown) - 2n))
  assert.equal(new DhKeyPair(unknown).fernetKeyWith(theirs).length, 32)
})

test('a secret of zeros is refused', () => {
  throwsClientCode(() => fernetKeyOf(new Uint8Array(512)), 'ERR_DH_PUBLIC_KEY')
})

test('a key of another group is refused: with another prime, or another generator', () => {
  const ours = new DhKeyPair(group16)
  const other = new DhKeyPair(loadDhParameters(opensslFile))
  throwsClientCode(() => ours.fernetKeyWith(other.publicPem), 'ERR_DH_PUBLIC_KEY')
  const generator = new DhKeyPair({ ...group16, generator: Uint8Array.of(5) })
  throwsClientCode(() => ours.fernetKeyWith(generator.publicPem), 'ERR_DH_PUBLIC_KEY')
})

test('what is no public key in strict DER and PEM is refused, and every altered byte of a head is noticed', () => {
  const ours = new DhKeyPair(group16)
  const refuses = (pem: string, what: string) => {
    throwsClientCode(() => ours.fernetKeyWith(pem), 'ERR_DH_PUBLIC_KEY', what)
  }
  const { publicPem } = new DhKeyPair(group16)
  const base64 = publicPem.split('\n').slice(1, -2).join('')
  const asPem = (bytes: Uint8Array) =>
    `-----BEGIN PUBLIC KEY-----\n${Buffer.from(bytes).toString('base64')}\n-----END PUBLIC KEY-----\n`
  const der = Buffer.from(base64, 'base64')
  assert.deepEqual(ours.fernetKeyWith(asPem(der)), ours.fernetKeyWith(publicPem))
  refuses('', 'empty')
  refuses('hello', 'no PEM')
  refuses(publicPem + publicPem, 'two keys')
  refuses(publicPem.replaceAll('PUBLIC KEY', 'PRIVATE KEY'), 'another label')
  refuses(publicPem.replace('M', '*'), 'no base64')
  refuses(`${publicPem}${' '.repeat(40_000)}`, 'too long')
  refuses(asPem(der.subarray(0, -1)), 'cut off')
  refuses(asPem(Buffer.concat([der, Buffer.of(0)])), 'a byte more')
  // Up to where the value begins: lengths, tags, object identifier, prime, generator.
  for (let at = 0; at < der.length - 512; at++) {
    const altered = Buffer.from(der)
    altered[at] = (altered[at] as number) ^ 1
    refuses(asPem(altered), `byte ${at}`)
  }
})

test('a file with parameters that are missing, too large, of another kind or too weak is refused', (t) => {
  const directory = temporaryDirectory(t)
  const refuses = (path: string) => throwsClientCode(() => loadDhParameters(path), 'ERR_DH_PARAMETERS', path)
  const refusesText = (name: string, text: string) => {
    const path = join(directory, name)
    writeFileSync(path, text)
    refuses(path)
  }
  refuses(join(directory, 'missing'))
  refuses(directory)
  refuses('/dev/zero')
  const good = readFileSync(opensslFile, 'latin1')
  refusesText('long', good + ' '.repeat(40_000))
  refusesText('key', new DhKeyPair(group16).publicPem)
  refusesText('X9.42 without q', good.replaceAll('DH PARAMETERS', 'X9.42 DH PARAMETERS'))
  const numbers = [group16.prime, group16.generator, Uint8Array.of(7)].map(derPositive)
  refusesText('X9.42 of a small subgroup', writePem(derSequence(...numbers), 'X9.42 DH PARAMETERS'))
  const modp5 = getDiffieHellman('modp5')
  refusesText('1536 bits', dhParametersPem({ prime: modp5.getPrime(), generator: Uint8Array.of(2) }))
  refusesText('16384 bits', dhParametersPem({ prime: bytesOf(2n ** 16384n - 1n), generator: Uint8Array.of(2) }))
  refusesText('even', dhParametersPem({ prime: bytesOf(primeOf(group16) - 1n), generator: Uint8Array.of(2) }))
  refusesText('generator 1', dhParametersPem({ ...group16, generator: Uint8Array.of(1) }))
  refusesText('generator of a small subgroup', dhParametersPem({ ...group16, generator: bytesOf(2n ** 31n) }))
  refusesText('generator -1', dhParametersPem({ ...group16, generator: bytesOf(primeOf(group16) - 1n) }))
})
