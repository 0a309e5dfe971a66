/** A configuration as sites have it; ROOT stands for a directory of the test's own. */
export interface SampleConfiguration {
  readonly name: string
  readonly text: string
  /** Below ROOT, made before. */
  readonly directories?: readonly string[]
  readonly files?: readonly string[]
  /** What becomes of each directive. */
  readonly verdicts: Readonly<Record<string, 'honoured' | 'ignored' | 'refused'>>
}

const honoured = (names: string) => Object.fromEntries(names.split(' ').map((name) => [name, 'honoured' as const]))

/** Written from knowledge of their shape. */
export const sampleConfigurations: readonly SampleConfiguration[] = [
  {
    name: 'the default of Debian',
    text: `# Local configuration goes into conf.d.

pid_file /run/mosquitto/mosquitto.pid

persistence true
persistence_location /var/lib/mosquitto/

log_dest file /var/log/mosquitto/mosquitto.log

include_dir ROOT/conf.d
`,
    directories: ['conf.d'],
    verdicts: honoured('pid_file persistence persistence_location log_dest include_dir'),
  },
  {
    name: 'the default of the Docker image, and what most people add to it',
    text: `# pid_file
listener 1883
allow_anonymous true
persistence true
persistence_location /mosquitto/data/
log_dest file /mosquitto/log/mosquitto.log
log_dest stdout
`,
    verdicts: honoured('listener allow_anonymous persistence persistence_location log_dest'),
  },
  {
    name: 'a generated one of Home Assistant’s kind',
    text: `protocol mqtt
user root
log_dest stdout
log_type error
log_type warning
log_type notice
log_type information
persistence true
persistence_location /data/
auth_plugin /usr/share/mosquitto/go-auth.so
auth_opt_backends files,http
auth_opt_hasher pbkdf2
include_dir ROOT/share
listener 1883
max_queued_messages 8192
listener 1884
protocol websockets
`,
    directories: ['share'],
    verdicts: {
      ...honoured('user log_dest log_type persistence persistence_location include_dir listener protocol'),
      ...honoured('max_queued_messages'),
      auth_plugin: 'refused',
      auth_opt_backends: 'refused',
      auth_opt_hasher: 'refused',
    },
  },
  {
    name: 'a tutorial with passwords and access rules',
    text: `per_listener_settings false
listener 1883
allow_anonymous false
password_file ROOT/passwd
acl_file ROOT/acl
autosave_interval 1800
connection_messages true
log_timestamp true
log_timestamp_format %Y-%m-%dT%H:%M:%S
max_inflight_messages 40
max_queued_messages 200
queue_qos0_messages false
message_size_limit 0
persistent_client_expiration 14d
`,
    files: ['passwd', 'acl'],
    verdicts: {
      ...honoured('per_listener_settings listener allow_anonymous password_file acl_file connection_messages'),
      ...honoured('log_timestamp log_timestamp_format max_inflight_messages max_queued_messages queue_qos0_messages'),
      ...honoured('message_size_limit persistent_client_expiration'),
      autosave_interval: 'ignored',
    },
  },
  {
    name: 'a tutorial with TLS, mutual TLS and secure WebSocket',
    text: `listener 8883
cafile ROOT/ca.crt
certfile ROOT/server.crt
keyfile ROOT/server.key
require_certificate true
use_identity_as_username true
tls_version tlsv1.2
dhparamfile ROOT/dhparam.pem

listener 9001
protocol websockets
certfile ROOT/server.crt
keyfile ROOT/server.key
websockets_log_level 0
`,
    files: ['ca.crt', 'server.crt', 'server.key'],
    verdicts: {
      ...honoured('listener cafile certfile keyfile require_certificate use_identity_as_username tls_version protocol'),
      dhparamfile: 'ignored',
      websockets_log_level: 'ignored',
    },
  },
  {
    name: 'a tutorial with a bridge into a cloud',
    text: `listener 1883
allow_anonymous true
connection cloud
address broker.example.org:8883
bridge_protocol_version mqttv311
bridge_insecure false
cleansession true
clientid gateway
start_type automatic
notifications false
try_private false
bridge_attempt_unsubscribe false
bridge_cafile ROOT/root.pem
bridge_certfile ROOT/gateway.crt
bridge_keyfile ROOT/gateway.key
topic sensors/# out 1
topic commands/# in 1 "" plant/
`,
    files: ['root.pem', 'gateway.crt', 'gateway.key'],
    verdicts: {
      ...honoured('listener allow_anonymous connection address bridge_protocol_version bridge_insecure cleansession'),
      ...honoured('clientid start_type notifications try_private bridge_attempt_unsubscribe bridge_cafile'),
      ...honoured('bridge_certfile bridge_keyfile topic'),
    },
  },
]
