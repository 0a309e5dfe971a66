import { faultOfWitness, faultOfWitnesses, nativeCrypto } from '../../plugins/index.ts'
import type { ConfiguredWitness, WitnessedLogOptions } from '../options.ts'
import type { Draft } from './draft.ts'
import type { ConfigLine } from './lexer.ts'
import { errorAt, invalidValue, isRate, readWords } from './values.ts'

/** How many witnesses, where all of them are not known yet. */
export type WitnessCount = number | 'all'

/**
 * `NAME VKEY [URL]`.
 * @param before witnesses of the lines above
 * @throws {ConfigError} ERR_CONFIG_VALUE_MISSING, ERR_CONFIG_VALUE_INVALID
 */
export function readWitness(line: ConfigLine, before: readonly ConfiguredWitness[]): ConfiguredWitness {
  const [name, vkey, url] = readWords(line, 3)
  if (vkey === undefined) {
    throw errorAt(line, 'ERR_CONFIG_VALUE_MISSING', `Empty ${line.name} VKEY value in configuration.`)
  }
  const witness = { name, vkey, ...(url === undefined ? {} : { url }) }
  const fault = faultOfWitness(witness, nativeCrypto) ?? faultOfWitnesses([...before, witness], 1)
  if (fault !== undefined) throw errorAt(line, 'ERR_CONFIG_VALUE_INVALID', `Invalid ${line.name} value: ${fault}.`)
  return witness
}

/** `COUNT | all | any`, the words of C2SP tlog-policy. @throws {ConfigError} ERR_CONFIG_VALUE_* */
export function readWitnessQuorum(line: ConfigLine): WitnessCount {
  const [word] = readWords(line, 1)
  if (word === 'all') return word
  if (word === 'any') return 1
  if (!isRate(word)) throw invalidValue(line)
  return Number(word)
}

/**
 * All witnesses together; nothing where there are none.
 * @throws {ConfigError} ERR_CONFIG_VALUE_INVALID: a quorum that cannot be met
 */
export function finishWitnesses({ witnesses, witnessQuorum }: Draft): Partial<WitnessedLogOptions> {
  const count = witnessQuorum?.count ?? 'all'
  const quorum = count === 'all' ? witnesses.length : count
  const fault = faultOfWitnesses(witnesses, quorum)
  if (fault !== undefined && witnessQuorum !== undefined) {
    throw errorAt(witnessQuorum.line, 'ERR_CONFIG_VALUE_INVALID', `Invalid notary_witness_quorum value: ${fault}.`)
  }
  return witnesses.length === 0 ? {} : { witnesses, witnessQuorum: quorum }
}
