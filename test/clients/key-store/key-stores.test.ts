import { test } from 'node:test'
import { FileKeyStore } from '../../../clients/key-store/file-key-store.ts'
import { MemoryKeyStore } from '../../../clients/key-store/memory-key-store.ts'
import { temporaryDirectory } from '../../helpers/temporary.ts'
import { keyStoreCases } from '../../suites/key-store.suite.ts'

for (const { name, run } of keyStoreCases) {
  test(`files: ${name}`, async (t) => {
    const directory = temporaryDirectory(t)
    await run({ open: async () => new FileKeyStore(directory) })
  })

  test(`memory: ${name}`, async () => {
    const store = new MemoryKeyStore()
    await run({ open: async () => store })
  })
}
