import { createServer } from 'node:net'
import { Aedes } from 'aedes'

// Entry point: the engine alone, in memory, no hooks. Arguments: port, address.

const port = Number(process.argv[2])
const broker = await Aedes.createBroker()
createServer({ noDelay: true }, broker.handle).listen(port, process.argv[3])
process.on('disconnect', () => process.exit(0))
