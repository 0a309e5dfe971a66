import { AuditChain, QueryIndex } from '../../plugins/index.ts'
import { Pace } from '../../plugins/pace.ts'

// Builds the index of a chain, resting all the time, and says after each segment how many are left.
const [location = '', segmentRecords] = process.argv.slice(2)
const chain = await AuditChain.open({ location })
const onError = (error: unknown) => {
  throw error
}
const index = await QueryIndex.open({ chain, segmentRecords: Number(segmentRecords), onError })
const pace = new Pace(0, () => new Promise((resolve) => setImmediate(resolve)))
while (await index.buildNext(pace)) process.stdout.write(`${index.backlog}\n`)
