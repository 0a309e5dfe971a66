// A broker in a process of its own, with options that no configuration file has, whose writes fail when its parent says
// so. Not a test: `faulty-broker.ts` starts it.
import { type BrokerOptions, createBroker } from '../../broker/index.ts'
import type { FaultPlan } from './faulty-broker.ts'

const broker = await createBroker(JSON.parse(process.argv[2] as string) as BrokerOptions)
const { database } = broker.chain
type Write = (...args: unknown[]) => Promise<void>
const batch = database.batch.bind(database) as Write
const open = database.open.bind(database) as Write

process.on('message', ({ skip, failures, failingOpens }: FaultPlan) => {
  let seen = 0
  let opensLeft = failingOpens
  const failing: Write = async (...args) => {
    const failure = failures[seen++ - skip]
    if (failure !== 'not stored') await batch(...args)
    if (failure !== undefined) throw new Error('injected write error')
  }
  const failingOpen: Write = async (...args) => {
    if (opensLeft-- > 0) throw new Error('injected open error')
    await open(...args)
  }
  Object.assign(database, { batch: failing, open: failingOpen })
  process.send?.({ armed: true })
})
process.on('disconnect', () => process.exit(2))
process.once('SIGTERM', () => {
  broker.close().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
broker.failed.then(() => process.exit(1))
const port = broker.listeners.find(({ protocol }) => protocol === 'mqtt')?.port
process.send?.({ port })
