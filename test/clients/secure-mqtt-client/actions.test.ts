import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionNames, actions } from '../../../clients/secure-mqtt-client/index.ts'

test('there are the five actions of the lab', () => {
  assert.deepEqual(actionNames, ['uppercase', 'lowercase', 'title-case', 'reverse', 'shuffle'])
})

test('letters change their case, whole words and other alphabets included', () => {
  assert.equal(actions.uppercase('straße 7'), 'STRASSE 7')
  assert.equal(actions.lowercase('ÄÖ X'), 'äö x')
  assert.equal(actions['title-case']("hELLO wORLD, they're ölig"), "Hello World, They'Re Ölig")
})

test('what people see as one letter stays one: reversed twice is as before, and shuffled has the same letters', () => {
  const text = 'noe\u0308l 👩‍👩‍👧 🇩🇪!'
  assert.equal(actions.reverse(text), '!🇩🇪 👩‍👩‍👧 le\u0308on')
  assert.equal(actions.reverse(actions.reverse(text)), text)
  const letters = (one: string) => Array.from(new Intl.Segmenter('en').segment(one), ({ segment }) => segment).sort()
  assert.deepEqual(letters(actions.shuffle(text)), letters(text))
  assert.equal(actions.shuffle(''), '')
})

test('every order of three letters comes out of shuffle', () => {
  const orders = new Set(Array.from({ length: 500 }, () => actions.shuffle('abc')))
  assert.equal(orders.size, 6)
})
