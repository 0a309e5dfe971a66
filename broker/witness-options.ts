import { type ConfiguredWitness, faultOfWitness, faultOfWitnesses, nativeCrypto } from '../plugins/index.ts'
import { BrokerError } from './errors.ts'

export type { ConfiguredWitness } from '../plugins/index.ts'

/** Who has to vouch for the log. */
export interface WitnessedLogOptions {
  /** Who is asked to cosign checkpoints, and whose cosignatures are kept (`notary_witness`). Default: nobody. */
  readonly witnesses: readonly ConfiguredWitness[]
  /** How many of them must cosign (`notary_witness_quorum`). Default: all. */
  readonly witnessQuorum: number
}

/** @throws {BrokerError} ERR_OPTIONS_INVALID */
export function resolveWitnessOptions({
  witnesses = [],
  witnessQuorum,
}: Partial<WitnessedLogOptions>): WitnessedLogOptions {
  if (!Array.isArray(witnesses)) throw invalid('not a list')
  const quorum = witnessQuorum ?? witnesses.length
  for (const witness of witnesses) {
    if (!isText(witness.name) || !isText(witness.vkey)) throw invalid('a witness has a name and a vkey')
    const fault = faultOfWitness(witness, nativeCrypto)
    if (fault !== undefined) throw invalid(fault)
  }
  const fault = faultOfWitnesses(witnesses, quorum)
  if (fault !== undefined) throw invalid(fault)
  return { witnesses, witnessQuorum: quorum }
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function invalid(what: string): BrokerError {
  return new BrokerError('ERR_OPTIONS_INVALID', `options: witnesses: ${what}`)
}
