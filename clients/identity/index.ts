export {
  type GeneratedIdentity,
  generateIdentity,
  type Identity,
  loadIdentity,
  loadPublicKey,
} from './private-key-file.ts'
export { reserveSequenceNumber } from './sequence-file.ts'
