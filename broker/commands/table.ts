import type { Command } from '../../clients/cli/command.ts'

/** A command of the binary before it is loaded. */
export interface ListedCommand {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Loads the command, which has the same name, and what it needs. */
  readonly load: () => Promise<Command>
}

/**
 * Every command but the broker, in the order of the help text. None is loaded before it is called: all modules of the
 * broker together take longer to load than most commands to run.
 */
export const commands: readonly ListedCommand[] = [
  {
    name: 'check-config',
    summary: 'say what becomes of every line of a configuration',
    load: async () => (await import('./check-config.ts')).checkConfig,
  },
  {
    name: 'passwd',
    summary: 'edit a password file',
    load: async () => (await import('./passwd.ts')).passwd,
  },
  {
    name: 'certs',
    summary: 'make certificates for development: authority, server, clients',
    load: async () => (await import('./certs.ts')).certs,
  },
  {
    name: 'keygen',
    summary: 'make a key pair to sign with',
    load: async () => (await import('../../clients/cli/keygen.ts')).keygen,
  },
  {
    name: 'enroll',
    summary: 'let a key sign publishes',
    load: async () => (await import('../../clients/cli/keys.ts')).enroll,
  },
  {
    name: 'revoke',
    summary: 'refuse a key from now on',
    load: async () => (await import('../../clients/cli/keys.ts')).revoke,
  },
  {
    name: 'rotate',
    summary: 'let a new key take the place of another',
    load: async () => (await import('../../clients/cli/keys.ts')).rotate,
  },
  {
    name: 'keys',
    summary: 'list the keys that sign, or restrict one',
    load: async () => (await import('./notary-keys.ts')).keysOfAll,
  },
  {
    name: 'pub',
    summary: 'publish messages, signed or not, encrypted or not',
    load: async () => (await import('../../clients/cli/pub.ts')).pub,
  },
  {
    name: 'sub',
    summary: 'print messages, and who signed them',
    load: async () => (await import('../../clients/cli/sub.ts')).subCommand(),
  },
  {
    name: 'rr',
    summary: 'publish a request and print the answer',
    load: async () => (await import('../../clients/cli/rr.ts')).rrCommand(),
  },
  {
    name: 'identity',
    summary: 'ask a broker who it is and check the proof',
    load: async () => (await import('../../clients/cli/identity.ts')).identityCommand,
  },
  {
    name: 'audit',
    summary: 'query the chain, prove what is in it, verify it',
    load: async () => (await import('./audit.ts')).audit,
  },
  {
    name: 'witness',
    summary: 'cosign the checkpoints of other logs',
    load: async () => (await import('./witness.ts')).witnessCommand,
  },
  {
    name: 'lab',
    summary: 'run a lab against a broker, each step with what it shows',
    load: async () => (await import('../../clients/cli/lab.ts')).lab,
  },
]
