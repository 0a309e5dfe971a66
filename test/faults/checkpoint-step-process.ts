// A broker that dies as it takes a checkpoint to its anchor. Not a test: `kill-9-checkpoint.test.ts` starts it.
import { createBroker } from '../../broker/index.ts'
import { AnchorFile } from '../../plugins/index.ts'
import { appendPublishes } from '../helpers/checkpointed-chain.ts'

const [dies, location = '', anchor = ''] = process.argv.slice(2)
const { write } = AnchorFile.prototype
let writes = 0
AnchorFile.prototype.write = async function (this: AnchorFile, signed: Uint8Array): Promise<void> {
  // The start anchors again what the store has.
  if (writes++ === 0) return write.call(this, signed)
  if (dies === 'before') process.kill(process.pid, 'SIGKILL')
  await write.call(this, signed)
  process.kill(process.pid, 'SIGKILL')
}
const broker = await createBroker({
  location,
  listeners: [{ protocol: 'mqtt', port: 0, host: '127.0.0.1' }],
  allowAnonymous: true,
  anchors: [anchor],
  checkpointIntervalMs: 100,
})
await appendPublishes(broker.chain, 1)
