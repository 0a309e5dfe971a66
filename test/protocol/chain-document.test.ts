import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  authKinds,
  chainFaults,
  fromHex,
  nobleCrypto,
  outcomes,
  p256FromCoseKey,
  recordKinds,
  toHex,
} from '../../protocol/index.ts'
import { chainExample } from '../helpers/chain-example.ts'
import { key11, keyMeriadoc } from '../helpers/keys.ts'
import { hex, repositoryText } from '../helpers/vectors.ts'

const document = repositoryText('docs/chain.md')

/** Blocks that begin with ```hex NAME, as bytes. */
function examples(): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  for (const [, name, content] of document.matchAll(/^```hex ([\w.-]+)\n(.*?)^```$/gms)) {
    assert.ok(name !== undefined && content !== undefined && !found.has(name), name)
    found.set(name, hex(content))
  }
  return found
}

describe('the worked example of docs/chain.md', () => {
  const written = examples()
  const computed = chainExample()

  test('shows every byte string that the code produces, and no other', () => {
    assert.deepEqual([...written.keys()].sort(), Object.keys(computed).sort())
  })
  for (const [name, bytes] of Object.entries(computed)) {
    test(`${name} is what the code produces`, () => {
      assert.equal(toHex(written.get(name) ?? new Uint8Array(0)), toHex(bytes))
    })
  }
  test('names the scalars and thumbprints of its keys', () => {
    for (const key of [key11, keyMeriadoc]) {
      assert.ok(document.includes(`\`${toHex(key.d)}\``))
      assert.ok(document.includes(`\`${toHex(key.thumbprint)}\``))
    }
  })
  test('can be recomputed from the document alone', () => {
    const bytes = (name: string) => written.get(name) ?? new Uint8Array(0)
    const sha256 = (...parts: Uint8Array[]) => toHex(nobleCrypto.sha256(...parts))
    for (const name of ['genesis', 'publish-signed']) {
      const commitment = sha256(bytes(`${name}.salt`), bytes(`${name}.record`))
      assert.ok(toHex(bytes(`${name}.leaf`)).endsWith(commitment))
      assert.equal(sha256(Uint8Array.of(0), bytes(`${name}.leaf`)), toHex(bytes(`${name}.leaf-hash`)))
    }
    for (const height of [1, 2, 3]) {
      const previousHash = sha256(bytes(`block-${height - 1}.header`))
      assert.ok(toHex(bytes(`block-${height}.header`)).startsWith(`870${height}5820${previousHash}`))
    }
    const contentDigest = sha256(bytes('envelope.to-be-signed'))
    assert.ok(toHex(bytes('publish-signed.record')).includes(`105820${contentDigest}`))
  })
})

describe('docs/chain.md', () => {
  test('names every fault of a chain', () => {
    const missing = Object.keys(chainFaults).filter((fault) => !document.includes(`\`${fault}\``))
    assert.deepEqual(missing, [])
  })
  test('defines every name that its CDDL uses, once, and none of the prelude again', () => {
    const cddl = [...document.matchAll(/^```cddl\n(.*?)^```$/gms)]
      .map(([, content]) => content)
      .join('')
      .replace(/;.*$/gm, '')
      .replace(/"[^"]*"/g, '')
    const defined = [...cddl.matchAll(/^([a-z][\w-]*)\s*=/gm)].map(([, name]) => name as string)
    assert.equal(new Set(defined).size, defined.length)
    const prelude = ['bstr', 'tstr', 'bool', 'true', 'null']
    for (const name of [...prelude, 'time', 'uint', 'int', 'any']) assert.ok(!defined.includes(name), name)
    // What stands before a colon names a place, not a type; what stands after a dot is an operator.
    const used = cddl.replace(/[a-z][\w-]*:/g, '').replace(/\.[a-z]+/g, '')
    for (const [name] of used.matchAll(/(?<![\w-])[a-z][\w-]*/g)) {
      assert.ok(defined.includes(name) || prelude.includes(name), name)
    }
  })
  test('lists the words of the vocabulary in the order of their numbers', () => {
    const inOrder = (table: Readonly<Record<string, number>>) =>
      Object.entries(table)
        .sort(([, a], [, b]) => a - b)
        .map(([word]) => word.replace('-', ' '))
        .join(', ')
    assert.ok(document.includes(`; ${inOrder(authKinds)}\n`))
    assert.ok(document.includes(`; ${inOrder(outcomes)}\n`))
    assert.deepEqual(Object.values(recordKinds), [1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
  test('shows keys in the encoding that their thumbprints are taken over', () => {
    const key = new Map<number, number | Uint8Array>([
      [1, 2],
      [-1, 1],
      [-2, fromHex('bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff')],
      [-3, fromHex('20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e')],
    ])
    assert.equal(toHex(p256FromCoseKey(key, nobleCrypto).x), toHex(key11.x))
  })
})
