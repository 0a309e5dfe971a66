import type { securityDirectives } from '../../../../broker/config/directives/security.ts'
import { booleanRefusals, type DirectiveCases, fileRefusals } from './directive-case.ts'

/** Values of the directives of who may come in and what they may do. */
export const securityCases: DirectiveCases<typeof securityDirectives> = {
  allow_anonymous: {
    before: 'listener 1883\n',
    accepted: [
      ['true', { allowAnonymous: true }],
      ['1', { allowAnonymous: true }],
      ['true # for now', { allowAnonymous: true }],
      ['false', { allowAnonymous: false }],
      ['0', { allowAnonymous: false }],
    ],
    refused: booleanRefusals,
  },
  password_file: { accepted: [['some thing', { passwordFile: 'some thing' }]], refused: fileRefusals },
  acl_file: { accepted: [['some thing', { aclFile: 'some thing' }]], refused: fileRefusals },
  allow_zero_length_clientid: { accepted: [['true', { allowZeroLengthClientId: true }]], refused: booleanRefusals },
  auto_id_prefix: { accepted: [['some thing', { autoIdPrefix: 'some thing' }]], refused: fileRefusals },
  plugin: {
    accepted: [
      ['/usr/lib/mosquitto_password_file.so', {}],
      ['mosquitto_acl_file.so', {}],
      ['/usr/lib/mosquitto_persist_sqlite.so', {}],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['/usr/lib/mosquitto_dynamic_security.so', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
      ['/mosquitto/go-auth.so', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
      ['anything.so', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
    ],
  },
  global_plugin: {
    accepted: [['/usr/lib/mosquitto_password_file.so', {}]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['anything.so', 'ERR_CONFIG_VALUE_UNSUPPORTED'],
    ],
  },
  plugin_opt_password_file: {
    before: 'plugin mosquitto_password_file.so\n',
    accepted: [['users', { passwordFile: 'users' }]],
    refused: fileRefusals,
  },
  plugin_opt_acl_file: {
    before: 'global_plugin mosquitto_acl_file.so\n',
    accepted: [['rules', { aclFile: 'rules' }]],
    refused: fileRefusals,
  },
}
