/** How often a directive may stand in a file. */
export type Repetition =
  /** Once. Mosquitto refuses a second string but lets a second boolean or number win; we refuse all alike. */
  | 'once'
  | 'once-per-listener'
  /** Each line adds something. */
  | 'accumulates'

export interface Directive {
  /** What stands after the name, as in a manual page. */
  readonly syntax: string
  readonly repetition: Repetition
}

/** Every directive this version honours. `resolve.ts` has one handler for each; the compiler checks that. */
export const honouredDirectives = {
  listener: { syntax: 'PORT [ADDRESS]', repetition: 'accumulates' },
  protocol: { syntax: 'mqtt | websockets', repetition: 'once-per-listener' },
  certfile: { syntax: 'FILE', repetition: 'once-per-listener' },
  keyfile: { syntax: 'FILE', repetition: 'once-per-listener' },
  cafile: { syntax: 'FILE', repetition: 'once-per-listener' },
  require_certificate: { syntax: 'true | false', repetition: 'once-per-listener' },
  tls_version: { syntax: 'tlsv1.2 | tlsv1.3', repetition: 'once-per-listener' },
  max_connections: { syntax: 'COUNT | -1', repetition: 'once-per-listener' },
  socket_domain: { syntax: 'ipv4 | ipv6', repetition: 'once-per-listener' },
  allow_anonymous: { syntax: 'true | false', repetition: 'once' },
  persistence: { syntax: 'true | false', repetition: 'once' },
  persistence_location: { syntax: 'DIRECTORY', repetition: 'once' },
  max_queued_messages: { syntax: 'COUNT', repetition: 'once' },
  max_queued_bytes: { syntax: 'BYTES', repetition: 'once' },
  max_inflight_messages: { syntax: 'COUNT', repetition: 'once' },
  max_packet_size: { syntax: 'BYTES', repetition: 'once' },
  max_keepalive: { syntax: 'SECONDS', repetition: 'once' },
  max_topic_alias: { syntax: 'COUNT', repetition: 'once' },
  max_topic_alias_broker: { syntax: 'COUNT', repetition: 'once' },
  log_dest: { syntax: 'stderr | stdout', repetition: 'once' },
  log_type: { syntax: 'TYPE', repetition: 'accumulates' },
  notary_protect: { syntax: 'FILTER signed', repetition: 'accumulates' },
  notary_keys: { syntax: 'DIRECTORY', repetition: 'once' },
  notary_admin: { syntax: 'anonymous', repetition: 'accumulates' },
  notary_origin: { syntax: 'NAME', repetition: 'once' },
  notary_connect_timeout: { syntax: 'SECONDS', repetition: 'once' },
  notary_connect_rate: { syntax: 'PER_SECOND [BURST]', repetition: 'once-per-listener' },
  notary_max_connections_per_address: { syntax: 'COUNT', repetition: 'once' },
  notary_min_free: { syntax: 'BYTES[k | M | G]', repetition: 'once' },
  notary_response_information: { syntax: 'PREFIX', repetition: 'once' },
} as const satisfies Record<string, Directive>

export type DirectiveName = keyof typeof honouredDirectives

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** Directives of Mosquitto 2.0 or 2.1 that this version refuses. Words that Mosquitto itself removed are unknown. */
export const unsupportedMosquittoDirectives = words(`
  port bind_address log_timestamp log_timestamp_format password_file include_dir pid_file user connection_messages

  acl_file use_identity_as_username use_subject_as_username crlfile ciphers ciphers_tls1.3 capath per_listener_settings
  bind_interface

  max_inflight_bytes message_size_limit persistent_client_expiration
  queue_qos0_messages retain_available max_qos maximum_qos
  allow_zero_length_clientid auto_id_prefix set_tcp_nodelay sys_interval use_username_as_clientid clientid_prefixes
  check_retain_source accept_protocol_versions global_max_clients global_max_connections listener_allow_anonymous
  listener_auto_id_prefix websockets_origin mount_point upgrade_outgoing_qos http_dir

  autosave_interval autosave_on_changes persistence_file retained_persistence memory_limit websockets_log_level
  websockets_headers_size packet_buffer_size dhparamfile retry_interval allow_duplicate_messages retain_expiry_interval
  log_facility auth_plugin_deny_special_chars

  connection address addresses topic remote_clientid remote_username remote_password clientid username password
  local_clientid local_username local_password cleansession local_cleansession keepalive_interval restart_timeout
  start_type notifications notifications_local_only notification_topic bridge_protocol_version
  bridge_attempt_unsubscribe round_robin try_private bridge_insecure bridge_cafile bridge_certfile bridge_keyfile
  bridge_alpn bridge_bind_address bridge_capath bridge_ciphers bridge_ciphers_tls1.3 bridge_max_packet_size
  bridge_max_topic_alias bridge_outgoing_retain bridge_receive_maximum bridge_session_expiry_interval
  bridge_reload_type bridge_tls_version bridge_tls_use_os_certs bridge_tcp_keepalive bridge_tcp_user_timeout
  idle_timeout threshold

  plugin global_plugin plugin_load plugin_use auth_plugin

  psk_file psk_hint bridge_psk bridge_identity tls_engine tls_engine_kpass_sha1 tls_keyform bridge_require_ocsp
  disable_client_cert_date_checks enable_proxy_protocol proxy_protocol_v2_require_tls enable_control_api
`)

/** Families of Mosquitto directives whose names end in a word of the operator's choice. */
export const unsupportedMosquittoPrefixes: readonly string[] = ['plugin_opt_', 'auth_opt_']

/** Directives that NotaryMQ plans and this version refuses. */
export const plannedNotaryDirectives = words(`
  notary_key notary_refuse_v3 notary_clock_skew notary_provenance notary_unwrap notary_ack_index
  notary_bind_client_id notary_checkpoint_interval notary_anchor notary_witness notary_retention
  notary_http
`)

const unsupported = new Set(unsupportedMosquittoDirectives)
const planned = new Set(plannedNotaryDirectives)

/**
 * What becomes of a directive: `honoured`; `unsupported`: known to Mosquitto, refused; `planned`: a word of a later
 * NotaryMQ, refused; `unknown`: refused as a misspelling. Nothing is ignored. Names are case-sensitive.
 */
export function classifyDirective(name: string): 'honoured' | 'unsupported' | 'planned' | 'unknown' {
  if (isHonoured(name)) return 'honoured'
  if (unsupported.has(name) || unsupportedMosquittoPrefixes.some((prefix) => name.startsWith(prefix))) {
    return 'unsupported'
  }
  return planned.has(name) ? 'planned' : 'unknown'
}

/** Narrows a name to those of `honouredDirectives`. */
export function isHonoured(name: string): name is DirectiveName {
  return Object.hasOwn(honouredDirectives, name)
}
