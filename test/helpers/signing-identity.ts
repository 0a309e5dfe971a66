import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { generateIdentity, type Identity, loadIdentity } from '../../clients/identity/index.ts'
import { temporaryDirectory } from './temporary.ts'

/** A key pair in files of its own, as `notarymq keygen` makes it. */
export function newIdentity(t: TestContext): Identity {
  const path = join(temporaryDirectory(t), 'device.pem')
  generateIdentity(path)
  return loadIdentity(path)
}
