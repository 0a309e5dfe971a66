// Takes numbers for ever, or a lock and keeps it, and says so; it is killed. Not a test: `file-key-store.test.ts` starts it.
import { writeSync } from 'node:fs'
import { FileKeyStore } from '../../../clients/key-store/file-key-store.ts'
import { withFileLockSync } from '../../../clients/key-store/file-lock.ts'

const [task, path = ''] = process.argv.slice(2)
if (task === 'hold') {
  withFileLockSync(path, () => {
    writeSync(1, 'held')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
}
const store = new FileKeyStore(path)
for (;;) writeSync(1, `${await store.reserveSequenceNumbers(new Uint8Array(32).fill(7), 2)}\n`)
