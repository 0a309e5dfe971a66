export {
  type AddCheckpointRequest,
  addCheckpointStatus,
  encodeAddCheckpoint,
  encodeTreeSize,
  parseAddCheckpoint,
  parseTreeSize,
  treeSizeContentType,
  verifySubmittedTree,
  withCosignatures,
} from './add-checkpoint.ts'
export {
  type Checkpoint,
  checkpointText,
  type OpenedCheckpoint,
  openCheckpoint,
  parseCheckpointText,
  signCheckpoint,
  type TreeHead,
} from './checkpoint.ts'
export { cosignatureTime, cosignatureVerifier, cosigner } from './cosignature.ts'
export { NoteError, type NoteErrorCode, noteErrors } from './errors.ts'
export { maxTextBytes as maxNoteBytes, type TextInput } from './note-text.ts'
export { noteVerifierOf, parseWitnessPolicy, type VerifierFactory } from './parse-witness-policy.ts'
export {
  ed25519NoteSigner,
  ed25519NoteVerifier,
  encodeSignatureLines,
  encodeSignedNote,
  maxNoteSignatures,
  type NoteSignature,
  type NoteSigner,
  type NoteVerifier,
  type OpenedNote,
  openNote,
  parseSignatureLines,
  parseSignedNote,
  type SignedNote,
  signatureBy,
  signNote,
  type VerifiedSignature,
  verifiedSignatures,
} from './signed-note.ts'
export { encodeTlogProof, parseTlogProof, type TlogProof, verifyTlogProof } from './tlog-proof.ts'
export {
  encodeVerifierKey,
  isKeyName,
  isKeyOf,
  noteKeyType,
  parseVerifierKey,
  type VerifierKey,
  verifierKey,
  verifierKeyText,
} from './verifier-key.ts'
export {
  isQuorumMet,
  openCheckpointUnder,
  openWitnessed,
  type PolicyGroup,
  type PolicyLog,
  type PolicyWitness,
  type WitnessedCheckpoint,
  type WitnessPolicy,
} from './witness-policy.ts'
