/** Publishes a signed message, as a program does that names its key file and nothing else. Arguments: port, key, passphrase. */
import { connectAsync } from '../../../clients/sdk/index.ts'

const [port, identity = '', passphrase] = process.argv.slice(2)
const options = { identity, ...(passphrase === undefined ? {} : { passphrase }) }
const client = await connectAsync(`mqtt://127.0.0.1:${port}`, options)
await client.publishAsync('plant/1', '21.5', { qos: 1 })
await client.endAsync()
