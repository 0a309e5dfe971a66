import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { identityOf, usernameOf } from '../../../broker/listeners/certificate-identity.ts'
import { hasTool } from '../../helpers/tools.ts'
import { type Attribute, certificateOf, nameOf, newKeyPair, stringTag } from './der-writer.ts'

const [cn, o, ou, c] = ['2.5.4.3', '2.5.4.10', '2.5.4.11', '2.5.4.6']
const { utf8, printable, teletex, universal, bmp } = stringTag
const keys = newKeyPair()
const named = (...sets: readonly (readonly Attribute[])[]) => certificateOf({ subject: nameOf(...sets), keys })

/** What Mosquitto 2.0.11 called these clients in its log (run). */
const seen: Record<string, [readonly (readonly Attribute[])[], subject: string, commonName: string | undefined]> = {
  'an ordinary name': [
    [
      [[c, printable, 'GB']],
      [['2.5.4.8', utf8, 'Derbyshire']],
      [['2.5.4.7', utf8, 'Derby']],
      [[o, utf8, 'Mosquitto Project']],
      [[ou, utf8, 'Production']],
      [[cn, utf8, 'test client']],
    ],
    'CN=test client,OU=Production,O=Mosquitto Project,L=Derby,ST=Derbyshire,C=GB',
    'test client',
  ],
  'letters that are not ASCII, a comma, a plus sign, two common names': [
    [[[c, printable, 'DE']], [[o, utf8, 'Müller, Söhne']], [[cn, utf8, 'Gerät+1']], [[cn, utf8, 'second']]],
    'CN=second,CN=Ger\\C3\\A4t\\+1,O=M\\C3\\BCller\\, S\\C3\\B6hne,C=DE',
    'Gerät+1',
  ],
  'a set of two attributes': [
    [
      [
        [o, utf8, 'x'],
        [ou, utf8, 'y'],
      ],
      [[cn, utf8, 'multi']],
    ],
    'CN=multi,OU=y+O=x',
    'multi',
  ],
  'no common name': [[[[o, utf8, 'no cn']]], 'O=no cn', undefined],
  'spaces at both ends, and other attributes': [
    [
      [['0.9.2342.19200300.100.1.25', stringTag.ia5, 'com']],
      [['0.9.2342.19200300.100.1.1', utf8, 'u1']],
      [['1.2.840.113549.1.9.1', stringTag.ia5, 'a@b.c']],
      [['2.5.4.5', printable, '12']],
      [[cn, utf8, ' lead#trail ']],
    ],
    'CN=\\ lead#trail\\ ,serialNumber=12,emailAddress=a@b.c,UID=u1,DC=com',
    ' lead#trail ',
  ],
  'characters that RFC 2253 escapes': [
    [[[cn, utf8, '#hash;<>"q\\=eq']]],
    'CN=\\#hash\\;\\<\\>\\"q\\\\=eq',
    '#hash;<>"q\\=eq',
  ],
  'common names apart': [
    [[[o, utf8, 'x']], [[cn, utf8, 'first']], [[ou, utf8, 'm']], [[cn, utf8, 'second']]],
    'CN=second,OU=m,CN=first,O=x',
    'first',
  ],
}
for (const [what, [sets, subject, commonName]] of Object.entries(seen)) {
  test(`the identity of a certificate with ${what} is what Mosquitto makes of it`, () => {
    assert.deepEqual(identityOf(named(...sets)), { subject, commonName })
  })
}

test('a common name that is empty, not UTF-8 or has a zero byte in it is none', () => {
  const values: readonly Attribute[] = [
    [cn, utf8, ''],
    [cn, utf8, 'admin\0.example'],
    [cn, teletex, Buffer.from([0x47, 0xe4])],
    [cn, bmp, Buffer.from([0, 0x61, 0, 0x62])],
    [cn, universal, Buffer.from([0, 0, 0, 0x61])],
  ]
  for (const value of values) assert.equal(identityOf(named([value])).commonName, undefined, String(value))
})

test('the username is the common name, or the subject, and the common name where both are asked for', () => {
  const certificate = named([[o, utf8, 'x']], [[cn, utf8, 'a']])
  const both = { useIdentityAsUsername: true, useSubjectAsUsername: true }
  assert.equal(usernameOf(certificate, {}), undefined)
  assert.equal(usernameOf(certificate, { useIdentityAsUsername: true }), 'a')
  assert.equal(usernameOf(certificate, { useSubjectAsUsername: true }), 'CN=a,O=x')
  assert.equal(usernameOf(certificate, both), 'a')
})

test('a certificate without a common name, one without any name, and none at all give no username', () => {
  const nameless = named([[o, utf8, 'x']])
  assert.equal(usernameOf(nameless, { useIdentityAsUsername: true }), null)
  assert.equal(usernameOf(nameless, { useIdentityAsUsername: true, useSubjectAsUsername: true }), null)
  assert.equal(usernameOf(named(), { useSubjectAsUsername: true }), null)
  assert.equal(usernameOf(undefined, { useIdentityAsUsername: true }), null)
})

/** Types with and without a short name, and strings of every kind that a name may have. */
const types = [
  ...[
    3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 41, 42, 43, 44, 45, 46, 51, 54, 65, 72, 97, 98, 99,
  ],
].map((last) => `2.5.4.${last}`)
const moreTypes = [1, 3, 25, 44].map((last) => `0.9.2342.19200300.100.1.${last}`)
const yetMore = ['1.2.840.113549.1.9.1', '1.2.840.113549.1.9.2', '1.2.840.113549.1.9.8', '1.2.643.3.131.1.1']
const last = ['1.2.643.100.1', '1.2.643.100.3', '1.3.6.1.4.1.311.60.2.1.1', '1.3.6.1.4.1.311.60.2.1.2']
const unknown = ['1.3.6.1.4.1.311.60.2.1.3', '1.2.3.4.5', '2.5.4.999', '2.999.1']
const allTypes = [...types, ...moreTypes, ...yetMore, ...last, ...unknown]

const attribute: fc.Arbitrary<Attribute> = fc.oneof(
  fc.tuple(fc.constantFrom(...allTypes), fc.constant(utf8), fc.string({ unit: 'binary', maxLength: 12 })),
  fc.tuple(
    fc.constantFrom(...allTypes),
    fc.constantFrom(printable, teletex, stringTag.ia5, 18),
    fc.uint8Array({ maxLength: 12 }),
  ),
  fc.tuple(
    fc.constantFrom(...allTypes),
    fc.constant(bmp),
    fc.array(fc.integer({ min: 0x20, max: 0x2fff }), { maxLength: 5 }).map((points) => {
      return Buffer.concat(points.map((point) => Buffer.of(point >> 8, point & 0xff)))
    }),
  ),
)

test('the subject of any certificate is what OpenSSL prints for RFC 2253', (t) => {
  if (!hasTool(t, 'openssl', ['version'], 'openssl')) return
  const check = (subject: Buffer) => {
    const certificate = certificateOf({ subject, keys })
    const args = ['x509', '-inform', 'DER', '-noout', '-subject', '-nameopt', 'RFC2253']
    const printed = execFileSync('openssl', args, { input: certificate.raw, encoding: 'latin1' })
    assert.equal(`subject=${identityOf(certificate).subject}\n`, printed)
  }
  check(nameOf(...allTypes.map((type): Attribute[] => [[type, utf8, 'x']])))
  const sets = fc.array(fc.array(attribute, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(sets, (given) => check(nameOf(...given))),
    { seed: 2253, numRuns: 60 },
  )
})
