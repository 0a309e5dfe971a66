export { KeyRegistry, type RegisteredKey } from '../../protocol/index.ts'
export { type Enrolment, findKey, planEnrolment, planRestriction, planRetirement, planRevocation } from './plan.ts'
export { type NamedKey, parsePublicKeyPem, parsePublicKeyText, readKeysDirectory } from './public-key-file.ts'
export { parseRestrictions } from './restrictions-json.ts'
