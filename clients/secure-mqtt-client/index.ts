export { type Action, actionNames, actions } from './actions.ts'
export { askResponder, type SecureRequest } from './ask-responder.ts'
export { programName, secureMqttClient } from './command.ts'
export { DhKeyPair } from './dh-key-pair.ts'
export {
  type DhParameters,
  defaultDhParameters,
  dhParametersPem,
  loadDhParameters,
  parseDhParameters,
} from './dh-parameters.ts'
export { openFernet, sealFernet } from './fernet.ts'
export { Responder, type ResponderSettings } from './responder.ts'
