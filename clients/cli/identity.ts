import { nobleCrypto, p256ToJwk, thumbprintOfP256, toBase64url } from '../../protocol/index.ts'
import {
  type BrokerPin,
  defaultKnownBrokersFile,
  loadPublicKey,
  type ProvenBroker,
  proveBroker,
} from '../identity/index.ts'
import { type Command, exitCode, parseOptions } from './command.ts'
import { brokerName, type ConnectionFlags, connect, connectionHelp, connectionOptions } from './connection.ts'

/** Flags of every command that asks a broker to prove who it is. */
export const brokerKeyOptions = {
  'broker-key': { type: 'string' },
  'known-brokers': { type: 'string', default: defaultKnownBrokersFile },
} as const

export const brokerKeyHelp = `      --broker-key FILE         public key of the broker (PEM), as in its keys/broker.pub.pem; without it the key
                                it was first met with
      --known-brokers FILE      where those are kept (default ~/.notarymq/known-brokers)`

export interface BrokerKeyFlags {
  readonly 'broker-key'?: string | undefined
  readonly 'known-brokers': string
}

/** The broker as these flags say it has to be. @throws {ClientError} what `proveBroker` throws, ERR_IDENTITY_FILE */
export function pinOf(flags: ConnectionFlags & BrokerKeyFlags): BrokerPin {
  const file = flags['broker-key']
  const brokerKey = file === undefined ? undefined : loadPublicKey(file)
  return { name: brokerName(flags), brokerKey, knownBrokersFile: flags['known-brokers'] }
}

const options = { ...connectionOptions, ...brokerKeyOptions, json: { type: 'boolean' } } as const

const trustTexts: Readonly<Record<ProvenBroker['trust'], string>> = {
  given: 'the key you gave',
  known: 'the key it is known by',
  'first-use': 'first use: remembered from now on; compare the kid with what its operator says',
}

export const identityCommand: Command = {
  name: 'identity',
  help: `Usage: notarymq identity [options]

Sends a random number and checks that the broker signs it, with the key it is known by and, over TLS, for the
certificate of this very connection. Exit code 1: it did not prove to be that broker.

${connectionHelp}
${brokerKeyHelp}
      --json                    machine-readable output`,
  run: async (args, output) => {
    const values = parseOptions(args, options)
    const pin = pinOf(values)
    const client = await connect(values)
    try {
      const { statement, trust, isBoundToTls } = await proveBroker(client, pin)
      const { brokerId, brokerKey, checkpoint } = statement
      const kid = toBase64url(thumbprintOfP256(brokerKey, nobleCrypto))
      if (values.json) {
        const jwk = p256ToJwk(brokerKey)
        output.out(
          JSON.stringify({ brokerId, kid, brokerKey: jwk, trust, isBoundToTls, checkpoint: checkpoint ?? null }),
        )
      } else {
        const bound = isBoundToTls ? 'this TLS connection' : 'this moment only (no TLS)'
        output.out(`broker  ${brokerId}\nkid     ${kid}\ntrust   ${trustTexts[trust]}\nproof   holds for ${bound}`)
      }
      return exitCode.ok
    } finally {
      await client.endAsync()
    }
  },
}
