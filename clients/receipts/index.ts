export {
  type CheckedEvidence,
  checkEvidence,
  type Evidence,
  type EvidenceTrust,
  type Proved,
} from './check-evidence.ts'
export { type LoggedRecord, readEvidence, readLoggedRecord } from './read-evidence.ts'
