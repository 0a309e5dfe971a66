import { toBase64url } from '../../protocol/index.ts'
import { ClientError } from '../errors.ts'
import { generateIdentity } from '../identity/index.ts'
import { type Command, exitCode, parseArguments } from './command.ts'
import { newPassphrase, passphraseOptions } from './passphrase.ts'

export const keygen: Command = {
  name: 'keygen',
  help: `Usage: notarymq keygen FILE [--encrypt] [--passphrase-file FILE] [--json]

Makes an ECDSA P-256 key pair: the private key in FILE (PKCS#8 PEM, mode 0600), the public key beside it
(NAME.pem -> NAME.pub.pem). Existing files are never overwritten.

      --encrypt                 protect the private key by a passphrase: NOTARYMQ_PASSPHRASE, or what is typed at the
                                terminal, or comes in by standard input
      --passphrase-file FILE    protect it by the one line of this file

Enrol it with 'notarymq enroll FILE', then sign with 'notarymq pub --identity FILE ...'.`,
  run: async (args, output) => {
    const { values, positionals } = parseArguments(args, {
      ...passphraseOptions,
      encrypt: { type: 'boolean' },
      json: { type: 'boolean' },
    })
    const [path, ...rest] = positionals
    if (path === undefined || rest.length > 0) throw new ClientError('ERR_USAGE', 'one file name is needed')
    const isEncrypted = values.encrypt === true || values['passphrase-file'] !== undefined
    const made = generateIdentity(path, isEncrypted ? await newPassphrase(values) : undefined)
    const kid = toBase64url(made.thumbprint)
    if (values.json) {
      const { privatePath, publicPath, publicKey } = made
      output.out(JSON.stringify({ kid, privateKey: privatePath, publicKey: publicPath, jwk: publicKey }))
    } else {
      output.out(`private key  ${made.privatePath}\npublic key   ${made.publicPath}\nkid          ${kid}`)
    }
    return exitCode.ok
  },
}
