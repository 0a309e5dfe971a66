import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { nativeCrypto } from '../../../plugins/native-crypto.ts'
import {
  ed25519NoteVerifier,
  encodeSignedNote,
  maxNoteSignatures,
  nobleCrypto,
  openNote,
  parseSignedNote,
  parseVerifierKey,
  signatureBy,
  signNote,
} from '../../../protocol/index.ts'
import { fcSeed } from '../../helpers/arbitraries.ts'
import { throwsNoteCode } from '../../helpers/note-codes.ts'
import { ed25519Key, logKey, witnessKey } from '../../helpers/notes.ts'

/** The example of C2SP signed-note. */
const example = {
  vkey: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  note:
    'This is an example message.\n\n— example.com/foo ' +
    'Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
}
const text = 'one\n\ntwo\n'
const a = logKey('example.com/a', 1)
const b = logKey('example.com/b', 2)
const line = encodeSignedNote({ text: '', signatures: [signatureBy(a.signer, text)] }).slice(1)

test('the example note of C2SP verifies with its example key, on either provider, and no longer when altered', () => {
  for (const crypto of [nobleCrypto, nativeCrypto]) {
    const verifier = ed25519NoteVerifier(parseVerifierKey(example.vkey, crypto), crypto)
    assert.equal(openNote(example.note, [verifier]).text, 'This is an example message.\n')
    const altered = example.note.replace('This', 'That')
    throwsNoteCode(() => openNote(altered, [verifier]), 'ERR_NOTE_SIGNATURE_INVALID')
  }
})

test('a signed note is read as what it was written from, as text or as bytes, and written as it was read', () => {
  const printable = fc.string({ unit: fc.constantFrom('a', 'ä', '—', '\n', ' ', '😀'), maxLength: 60 })
  fc.assert(
    fc.property(printable, fc.subarray([a, b], { minLength: 1 }), (content, keys) => {
      const signers = keys.map(({ signer }) => signer)
      const note = signNote(`${content}\n`, signers as [typeof a.signer])
      const opened = openNote(note, [a.verifier, b.verifier])
      assert.equal(opened.text, `${content}\n`)
      assert.deepEqual(
        opened.verified.map(({ key }) => key.name),
        signers.map(({ key }) => key.name),
      )
      assert.deepEqual(parseSignedNote(new TextEncoder().encode(note)), parseSignedNote(note))
      assert.equal(encodeSignedNote(parseSignedNote(note)), note)
    }),
    { seed: fcSeed, numRuns: 40 },
  )
})

describe('whose signatures count', () => {
  const note = signNote(text, [a.signer, b.signer])
  test('unknown keys are ignored beside a known one, and reject nothing', () => {
    assert.deepEqual(
      openNote(note, [b.verifier]).verified.map(({ key }) => key),
      [b.verifier.key],
    )
  })
  test('a note that no known key signed is refused', () => {
    throwsNoteCode(() => openNote(note, [logKey('example.com/c', 3).verifier]), 'ERR_NOTE_UNTRUSTED')
    throwsNoteCode(() => openNote(note, []), 'ERR_NOTE_UNTRUSTED')
  })
  test('a key known by name alone, or by id alone, is unknown', () => {
    const sameName = logKey('example.com/a', 9).verifier
    const sameId = { ...a.verifier, key: { ...a.verifier.key, name: 'example.com/other' } }
    for (const verifier of [sameName, sameId]) throwsNoteCode(() => openNote(note, [verifier]), 'ERR_NOTE_UNTRUSTED')
  })
  test('one known key that fails rejects the note, however many others signed', () => {
    const forged = { ...signatureBy(b.signer, text), name: a.signer.key.name, keyId: a.signer.key.keyId }
    const mixed = encodeSignedNote({ text, signatures: [signatureBy(b.signer, text), forged] })
    throwsNoteCode(() => openNote(mixed, [a.verifier, b.verifier]), 'ERR_NOTE_SIGNATURE_INVALID')
    assert.equal(openNote(mixed, [b.verifier]).verified.length, 1)
  })
  test('the signature of a log is none of a witness with the same key', () => {
    const witness = witnessKey('example.com/a', 1)
    throwsNoteCode(() => openNote(note, [witness.verifier]), 'ERR_NOTE_UNTRUSTED')
  })
  test('two keys that one line could mean are refused; one given twice is not', () => {
    const { publicKey } = ed25519Key(9)
    const twin = { ...a.verifier, key: { ...a.verifier.key, publicKey } }
    throwsNoteCode(() => openNote(note, [a.verifier, twin]), 'ERR_NOTE_KEY_INVALID')
    assert.equal(openNote(note, [a.verifier, a.verifier]).verified.length, 1)
  })
})

describe('the form', () => {
  test(`takes ${maxNoteSignatures} signatures and no more`, () => {
    const note = (count: number) => `${text}\n${line.repeat(count)}`
    assert.equal(openNote(note(maxNoteSignatures), [a.verifier]).verified.length, maxNoteSignatures)
    throwsNoteCode(() => openNote(note(maxNoteSignatures + 1), [a.verifier]), 'ERR_NOTE_MALFORMED')
  })
  test('takes 16 signatures of 5,000 bytes, and is capped as a whole', () => {
    const large = (name: string, bytes: number) => ({
      name,
      keyId: new Uint8Array(4),
      signature: new Uint8Array(bytes),
    })
    const signatures = Array.from({ length: 16 }, (_, i) => large(`pq${i}`, 5_000))
    assert.equal(parseSignedNote(encodeSignedNote({ text, signatures })).signatures.length, 16)
    const beyond = encodeSignedNote({ text: `${'x'.repeat(262_144)}\n`, signatures: [signatureBy(a.signer, text)] })
    throwsNoteCode(() => parseSignedNote(beyond), 'ERR_NOTE_MALFORMED')
  })
  test('is refused where it is not what C2SP says', () => {
    const blob = line.slice('— example.com/a '.length, -1)
    const refused = {
      'no signature': `${text}\n`,
      'no empty line': `one\n${line}`,
      'a last line that does not end': `${text}\n${line.slice(0, -1)}`,
      'a hyphen for the dash': `${text}\n${line.replace('—', '-')}`,
      'two spaces': `${text}\n${line.replace(' example', '  example')}`,
      'a plus in a name': `${text}\n— a+b ${blob}\n`,
      'a no-break space in a name': `${text}\n— a\u00a0b ${blob}\n`,
      'base64 without padding': `${text}\n— a ${blob.replaceAll('=', '')}\n`,
      'base64 with stray bits': `${text}\n— a AAAAAB==\n`,
      'an id and no signature': `${text}\n— a AAAAAA==\n`,
      'a carriage return': `${text}\r\n${line}`,
      'a tab in the text': `a\tb\n\n${line}`,
      'half a character': `\ud800\n\n${line}`,
      'something after the signatures': `${text}\n${line}x\n`,
    }
    for (const [why, note] of Object.entries(refused))
      throwsNoteCode(() => parseSignedNote(note), 'ERR_NOTE_MALFORMED', why)
    const notUtf8 = Uint8Array.of(0xff, ...new TextEncoder().encode(`${text}\n${line}`))
    throwsNoteCode(() => parseSignedNote(notUtf8), 'ERR_NOTE_MALFORMED')
  })
  test('is not made of a text that could not be read again', () => {
    for (const bad of ['', 'no end', 'a\r\n', '\ud800\n']) assert.throws(() => signNote(bad, [a.signer]), RangeError)
  })
})
