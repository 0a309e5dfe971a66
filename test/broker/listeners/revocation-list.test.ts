import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ClientTrust } from '../../../broker/listeners/client-trust.ts'
import { DerError } from '../../../broker/listeners/der.ts'
import { RevocationList } from '../../../broker/listeners/revocation-list.ts'
import {
  certificateOf,
  commonNameOf,
  der,
  type ListParts,
  listOf,
  newKeyPair,
  objectIdentifier,
  sequence,
} from './der-writer.ts'

const hourMs = 3_600_000
const authority = { subject: commonNameOf('root'), keys: newKeyPair() }
const root = certificateOf({ ...authority, isAuthority: true })
const between = { subject: commonNameOf('between'), keys: newKeyPair() }
const intermediate = certificateOf({ ...between, issuer: authority, isAuthority: true })
const leafKeys = newKeyPair()
const leafOf = (serialNumber: number, issuer = authority) =>
  certificateOf({ subject: commonNameOf('leaf'), keys: leafKeys, issuer, serialNumber })
const list = (parts: Partial<ListParts> = {}) =>
  new RevocationList(listOf({ issuer: authority.subject, keys: authority.keys, revoked: [7, 130], ...parts }))
const problem = (serialNumber: number, ...lists: readonly RevocationList[]) =>
  new ClientTrust([root], lists).problemOf(leafOf(serialNumber))

describe('a list', () => {
  test('refuses the serial numbers that are in it, and no other', () => {
    assert.equal(problem(7, list()), 'CERT_REVOKED')
    assert.equal(problem(130, list()), 'CERT_REVOKED', 'a number with a leading zero byte')
    assert.equal(problem(8, list()), undefined)
    assert.equal(problem(7, list({ revoked: [] })), undefined)
  })

  test('without a next update never ends; one that is over, or not valid yet, vouches for nobody', () => {
    assert.equal(problem(8, list({ nextUpdateMs: undefined })), undefined)
    assert.equal(problem(8, list({ nextUpdateMs: Date.now() - 1000 })), 'CRL_HAS_EXPIRED')
    assert.equal(problem(8, list({ thisUpdateMs: Date.now() + hourMs })), 'CRL_NOT_YET_VALID')
  })

  test('of another authority, or with the signature of another key, is none', () => {
    assert.equal(problem(8, list({ issuer: commonNameOf('other') })), 'UNABLE_TO_GET_CRL')
    assert.equal(problem(7, list({ keys: newKeyPair() })), 'UNABLE_TO_GET_CRL')
    assert.equal(problem(8), 'UNABLE_TO_GET_CRL')
  })

  test('that is newer takes the place of an older one, whatever their order', () => {
    const older = list({ thisUpdateMs: Date.now() - 2 * hourMs, revoked: [8] })
    for (const lists of [
      [older, list()],
      [list(), older],
    ]) {
      assert.equal(problem(8, ...lists), undefined)
      assert.equal(problem(7, ...lists), 'CERT_REVOKED')
    }
  })

  test("of the client's own issuer is enough, also when the authority above it has none", () => {
    const own = new RevocationList(listOf({ issuer: between.subject, keys: between.keys, revoked: [7] }))
    const trust = new ClientTrust([root, intermediate], [own])
    assert.equal(trust.problemOf(leafOf(8, between)), undefined)
    assert.equal(trust.problemOf(leafOf(7, between)), 'CERT_REVOKED')
  })
})

describe('no list', () => {
  const critical = (type: string) => sequence(objectIdentifier(type), der(0x01, Buffer.of(0xff)), der(0x04, sequence()))
  const cases: Record<string, () => Buffer> = {
    nothing: () => Buffer.alloc(0),
    'a certificate': () => root.raw,
    'bytes after it': () => Buffer.concat([listOf({ issuer: authority.subject, keys: authority.keys }), Buffer.of(0)]),
    'a delta list': () =>
      listOf({ issuer: authority.subject, keys: authority.keys, extensions: [critical('2.5.29.27')] }),
    'a list for some certificates only': () =>
      listOf({ issuer: authority.subject, keys: authority.keys, extensions: [critical('2.5.29.28')] }),
    'a list signed with SHA-1': () =>
      listOf({
        issuer: authority.subject,
        keys: authority.keys,
        algorithm: sequence(objectIdentifier('1.2.840.10045.4.1')),
      }),
  }
  for (const [what, bytes] of Object.entries(cases)) {
    test(`${what} is refused`, () => {
      assert.throws(() => new RevocationList(bytes()), DerError)
    })
  }

  test('a list that was cut short or altered is refused, or vouches for nobody', () => {
    const good = listOf({ issuer: authority.subject, keys: authority.keys, revoked: [7] })
    const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean())
    fc.assert(
      fc.property(change, ([at, flip, isCut]) => {
        const bytes = Buffer.from(isCut ? good.subarray(0, at) : good)
        if (!isCut) bytes[at] = (bytes[at] as number) ^ flip
        try {
          assert.equal(problem(8, new RevocationList(bytes)), 'UNABLE_TO_GET_CRL')
        } catch (error) {
          assert.ok(error instanceof DerError, String(error))
        }
      }),
      { seed: 5280, numRuns: 300 },
    )
  })
})

describe('a client that is connected', () => {
  test('is still welcome when its way to an authority is there, and not when it is gone', () => {
    const leaf = leafOf(9, between)
    assert.equal(new ClientTrust([root, intermediate], undefined).presentProblemOf(leaf), undefined)
    for (const authorities of [[root], [intermediate], []]) {
      assert.equal(new ClientTrust(authorities, undefined).presentProblemOf(leaf), 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
    }
  })

  test('is not welcome after another authority of the same name took the place of its own', () => {
    const other = certificateOf({ subject: authority.subject, keys: newKeyPair(), isAuthority: true })
    assert.equal(new ClientTrust([root], undefined).presentProblemOf(leafOf(9)), undefined)
    assert.equal(new ClientTrust([other], undefined).presentProblemOf(leafOf(9)), 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
  })

  test('is not welcome after its certificate has expired, or before it is valid', () => {
    const at = (timeMs: number) => new ClientTrust([root], undefined, () => timeMs).presentProblemOf(leafOf(9))
    assert.equal(at(Date.now() + 2 * hourMs), 'CERT_HAS_EXPIRED')
    assert.equal(at(Date.now() - 2 * hourMs), 'CERT_NOT_YET_VALID')
  })

  test('is not welcome after the authority itself has expired', () => {
    const short = { subject: commonNameOf('short'), keys: newKeyPair() }
    const ended = certificateOf({ ...short, isAuthority: true, notAfterMs: Date.now() - 1000 })
    const trust = new ClientTrust([ended], undefined)
    assert.equal(trust.presentProblemOf(leafOf(9, short)), 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
  })
})
