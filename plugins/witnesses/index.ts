/** Has the checkpoints of the own log cosigned by others (C2SP tlog-witness). */
export {
  type ConfiguredWitness,
  faultOfWitness,
  faultOfWitnesses,
  verifierOfWitness,
} from './configured-witness.ts'
export { isProofAgainstLog, type WitnessAttemptFailed, type WitnessTrouble, witnessTroubles } from './trouble.ts'
export { checkpointOfWitness } from './witness-checkpoint.ts'
export { type WitnessChange, Witnesses, type WitnessesOptions } from './witnesses.ts'
