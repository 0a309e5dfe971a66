import { type Command, exitCode, type Output, parseOptions, usageError } from '../../clients/cli/command.ts'
import { keys } from '../../clients/cli/keys.ts'
import {
  changeKeyPassphrase,
  type KeyRole,
  openStoreDatabase,
  readKeyPassphrase,
  rotateKey,
} from '../../plugins/index.ts'
import { toBase64url } from '../../protocol/index.ts'
import { keyCustody } from '../process/key-custody.ts'

const help = `${keys.help}

Of the broker itself, while it is stopped:

       notarymq keys rotate-broker --data DIR [--passphrase-file FILE] [--json]
       notarymq keys rotate-log --data DIR [--passphrase-file FILE] [--json]
       notarymq keys passwd --data DIR [--passphrase-file FILE] [--new-passphrase-file FILE | --remove]

rotate-*  make a new key of that role and record it, signed by the old one; clients that know the old broker key have
          to be given the new one (docs/keys.md)
passwd    protect the private keys by another passphrase, or by none

      --data DIR                data directory of the broker (persistence_location)
      --passphrase-file FILE    what notary_key_passphrase_file names
      --new-passphrase-file FILE
      --remove                  leave the keys without protection`

/** 'keys' as clients have it, and what changes the keys of a stopped broker. */
export const keysOfAll: Command = {
  ...keys,
  help,
  run: async ([subcommand, ...args], output) => {
    if (subcommand === 'rotate-broker') return rotate('broker', args, output)
    if (subcommand === 'rotate-log') return rotate('log', args, output)
    if (subcommand === 'passwd') return passwd(args, output)
    return keys.run(subcommand === undefined ? args : [subcommand, ...args], output)
  },
}

const common = { data: { type: 'string' }, 'passphrase-file': { type: 'string' } } as const

async function rotate(role: KeyRole, args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, { ...common, json: { type: 'boolean' } })
  const custody = keyCustody(values['passphrase-file'])
  const { index, thumbprint, replaces } = await rotateKey(dataOf(values.data), role, custody, output.error)
  const [kid, replaced] = [toBase64url(thumbprint), toBase64url(replaces)]
  output.out(
    values.json
      ? JSON.stringify({ role, index, kid, replaces: replaced })
      : `${role} key ${kid}\nreplaces   ${replaced}, by record ${index}`,
  )
  return exitCode.ok
}

async function passwd(args: readonly string[], output: Output): Promise<number> {
  const values = parseOptions(args, {
    ...common,
    'new-passphrase-file': { type: 'string' },
    remove: { type: 'boolean' },
  })
  const directory = dataOf(values.data)
  const newFile = values['new-passphrase-file']
  if ((newFile === undefined) !== (values.remove === true)) {
    throw usageError('one of --new-passphrase-file and --remove is needed')
  }
  const { passphrase } = keyCustody(values['passphrase-file'])
  const next = newFile === undefined ? undefined : readKeyPassphrase(newFile, undefined)
  // Held open so that no broker starts meanwhile.
  const database = await openStoreDatabase(directory, false)
  try {
    for (const path of await changeKeyPassphrase(directory, passphrase, next)) {
      output.out(`${path}  ${next === undefined ? 'not protected' : 'protected'}`)
    }
  } finally {
    await database.close()
  }
  return exitCode.ok
}

function dataOf(directory: string | undefined): string {
  if (directory === undefined) throw usageError('--data is needed')
  return directory
}
