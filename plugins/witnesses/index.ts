/** Has the checkpoints of the own log cosigned by others (C2SP tlog-witness). */
export {
  type ConfiguredWitness,
  faultOfWitness,
  faultOfWitnesses,
  maxWitnesses,
  verifierOfWitness,
} from './configured-witness.ts'
export { isProofAgainstLog, type WitnessTrouble, witnessTroubles } from './trouble.ts'
export { type WitnessChange, Witnesses, type WitnessesOptions } from './witnesses.ts'
