import assert from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { keyringOf } from '../../../clients/cli/keyring-files.ts'
import { generateIdentity } from '../../../clients/identity/index.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'

test('a directory in which keygen made pairs is a keyring, though private halves in it have passphrases', (t) => {
  const directory = temporaryDirectory(t)
  const open = generateIdentity(join(directory, 'a.pem'))
  const locked = generateIdentity(join(directory, 'b.pem'), 'correct horse')
  writeFileSync(join(directory, 'known-brokers'), '')
  const keys = keyringOf([directory]).keys.map(({ name, thumbprint }) => [name, thumbprint])
  assert.deepEqual(keys, [
    ['a', open.thumbprint],
    ['b', locked.thumbprint],
  ])
  assert.deepEqual(
    keyringOf([open.privatePath]).keys.map(({ name }) => name),
    ['a'],
  )
})

test('one key under two names, no key at all and nothing there are refused', (t) => {
  const directory = temporaryDirectory(t)
  assert.throws(() => keyringOf([directory]), { code: 'ERR_USAGE' })
  assert.throws(() => keyringOf([join(directory, 'absent.pem')]), { code: 'ERR_USAGE' })
  const { publicPath } = generateIdentity(join(directory, 'a.pem'))
  copyFileSync(publicPath, join(directory, 'copy.pub.pem'))
  assert.throws(() => keyringOf([directory]), { code: 'ERR_PUBLIC_KEY' })
})
