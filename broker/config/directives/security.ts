import type { HonouredDirective } from '../directive.ts'

/** Who may come in and what they may do. */
export const securityDirectives = {
  allow_anonymous: {
    verdict: 'honoured',
    scope: 'security',
    repetition: 'last',
    syntax: 'true | false',
    default: 'false, or true in local only mode',
    summary: 'lets clients in that give no username',
  },
  password_file: {
    verdict: 'honoured',
    scope: 'security',
    repetition: 'once',
    syntax: 'FILE',
    default: 'none',
    summary: 'usernames and hashed passwords, as `notarymq passwd` and mosquitto_passwd write them',
  },
  acl_file: {
    verdict: 'honoured',
    scope: 'security',
    repetition: 'once',
    syntax: 'FILE',
    default: 'none',
    summary: 'who may read and write which topics',
  },
  allow_zero_length_clientid: {
    verdict: 'honoured',
    scope: 'security',
    repetition: 'last',
    syntax: 'true | false',
    default: 'true',
    summary: 'clients may leave the choice of their client id to the broker',
  },
  auto_id_prefix: {
    verdict: 'honoured',
    scope: 'security',
    repetition: 'once',
    syntax: 'PREFIX',
    default: 'auto-',
    summary: 'what client ids that the broker chooses begin with',
  },
  plugin: {
    verdict: 'honoured',
    scope: 'security',
    repetition: 'accumulates',
    syntax: 'FILE',
    default: 'none',
    summary:
      'mosquitto_password_file.so and mosquitto_acl_file.so are built in, mosquitto_persist_sqlite.so is not needed; others are refused',
  },
  global_plugin: {
    verdict: 'honoured',
    scope: 'security',
    repetition: 'accumulates',
    syntax: 'FILE',
    default: 'none',
    summary: 'as `plugin`, for all listeners',
  },
  plugin_opt_password_file: {
    verdict: 'honoured',
    scope: 'security',
    repetition: 'last',
    syntax: 'FILE',
    default: 'none',
    summary: 'option of mosquitto_password_file.so: as `password_file`',
  },
  plugin_opt_acl_file: {
    verdict: 'honoured',
    scope: 'security',
    repetition: 'last',
    syntax: 'FILE',
    default: 'none',
    summary: 'option of mosquitto_acl_file.so: as `acl_file`',
  },
} as const satisfies Readonly<Record<string, HonouredDirective>>
