import type { notaryDirectives } from '../../../../broker/config/directives/notary.ts'
import type { KeyRule } from '../../../../broker/options.ts'
import { logKey, witnessKey } from '../../../helpers/notes.ts'
import { booleanRefusals, countRefusals, type DirectiveCases } from './directive-case.ts'

const keyRule = (restrictions: KeyRule['restrictions']) => ({ keyRules: [{ name: 'press-7', restrictions }] })
const witness = witnessKey('example.com/w1', 2).vkey
const filterRefusals = [
  ['', 'ERR_CONFIG_VALUE_MISSING'],
  ['a/#/b', 'ERR_CONFIG_VALUE_INVALID'],
  ['$share/g/a', 'ERR_CONFIG_VALUE_INVALID'],
  ['a b', 'ERR_CONFIG_VALUE_INVALID'],
] as const

/** Values of the directives of what Mosquitto does not have. */
export const notaryCases: DirectiveCases<typeof notaryDirectives> = {
  notary_protect: {
    accepted: [
      ['plant/+/cmd/# signed', { protect: [{ filter: 'plant/+/cmd/#', signed: true }] }],
      ['# signed', { protect: [{ filter: '#', signed: true }] }],
      ['$SYS/# \t signed # why', { protect: [{ filter: '$SYS/#', signed: true }] }],
      ['a/b mac', { protect: [{ filter: 'a/b', mac: true }] }],
      ['a/b encrypted tls', { protect: [{ filter: 'a/b', encrypted: true, tls: true }] }],
      ['a/b fresh 30', { protect: [{ filter: 'a/b', freshSeconds: 30 }] }],
      ['a/b fresh 31536000 signed', { protect: [{ filter: 'a/b', freshSeconds: 31_536_000, signed: true }] }],
      ['a/b keys plc-* keys *-main', { protect: [{ filter: 'a/b', keys: ['plc-*', '*-main'] }] }],
      ['a/b keys none tls', { protect: [{ filter: 'a/b', keys: ['none'], tls: true }] }],
      ['a/b none', { protect: [{ filter: 'a/b', none: true }] }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['a/b', 'ERR_CONFIG_VALUE_MISSING'],
      ['a/b #signed', 'ERR_CONFIG_VALUE_MISSING'],
      ['a/b signed fresh', 'ERR_CONFIG_VALUE_MISSING'],
      ['a/b keys', 'ERR_CONFIG_VALUE_MISSING'],
      ['a/b keys #', 'ERR_CONFIG_VALUE_MISSING'],
      ['a/#/b signed', 'ERR_CONFIG_VALUE_INVALID'],
      ['a/b# signed', 'ERR_CONFIG_VALUE_INVALID'],
      ['a+/b signed', 'ERR_CONFIG_VALUE_INVALID'],
      [`${'a'.repeat(65_536)} signed`, 'ERR_CONFIG_VALUE_INVALID'],
      ['$share/g/a signed', 'ERR_CONFIG_VALUE_INVALID'],
      ['a/b SIGNED', 'ERR_CONFIG_VALUE_INVALID'],
      ['a/b constructor', 'ERR_CONFIG_VALUE_INVALID'],
      ['a b/# signed', 'ERR_CONFIG_VALUE_INVALID'],
      ['a/b signed signed', 'ERR_CONFIG_VALUE_INVALID'],
      ['a/b fresh 5 fresh 6', 'ERR_CONFIG_VALUE_INVALID'],
      ...(['0', '-1', '1.5', '1e3', '31536001', 'soon', 'signed'] as const).map(
        (age) => [`a/b fresh ${age}`, 'ERR_CONFIG_VALUE_INVALID'] as const,
      ),
      [`a/b keys ${'a'.repeat(256)}`, 'ERR_CONFIG_VALUE_INVALID'],
      ['a/b none signed', 'ERR_CONFIG_VALUE_INVALID'],
      ['a/b keys plc-* none', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  notary_provenance: {
    accepted: [
      ['#', { provenance: ['#'] }],
      ['plant/+/state # why', { provenance: ['plant/+/state'] }],
    ],
    refused: filterRefusals,
  },
  notary_unwrap: { accepted: [['plant/#', { unwrap: ['plant/#'] }]], refused: filterRefusals },
  notary_keys: {
    accepted: [['/etc/notarymq/public keys', { keysDirectory: '/etc/notarymq/public keys' }]],
    refused: [['', 'ERR_CONFIG_VALUE_MISSING']],
  },
  notary_key_passphrase_file: {
    accepted: [['/etc/notarymq/pass phrase', { keyPassphraseFile: '/etc/notarymq/pass phrase' }]],
    refused: [['', 'ERR_CONFIG_VALUE_MISSING']],
  },
  notary_key: {
    accepted: [
      ['press-7 topics plant/press-7/#', keyRule({ topics: ['plant/press-7/#'] })],
      ['press-7 clients press-* clients x', keyRule({ clients: ['press-*', 'x'] })],
      ['press-7 users ann', keyRule({ users: ['ann'] })],
      ['press-7 clock none', keyRule({ clock: 'none' })],
      ['press-7 window 64', keyRule({ window: 64 })],
      ['press-7 gateway', keyRule({ gateway: true })],
      [
        'press-7 topics a/# +/b topics clients/x clients c* users u gateway window 65536 clock none',
        keyRule({
          ...{ clients: ['c*'], users: ['u'], topics: ['a/#', '+/b', 'clients/x'] },
          ...{ clock: 'none', window: 65_536, gateway: true },
        }),
      ],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['press-7', 'ERR_CONFIG_VALUE_MISSING'],
      ['press-7 clients', 'ERR_CONFIG_VALUE_MISSING'],
      ['press-7 users', 'ERR_CONFIG_VALUE_MISSING'],
      ['press-7 topics', 'ERR_CONFIG_VALUE_MISSING'],
      ['press-7 topics gateway', 'ERR_CONFIG_VALUE_MISSING'],
      ['press-7 clock', 'ERR_CONFIG_VALUE_MISSING'],
      ['press-7 window', 'ERR_CONFIG_VALUE_MISSING'],
      ['press-* gateway', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 everything', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 constructor', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 topics a/#/b', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 topics a $share/g/a', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 topics #', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 topics a # users ann', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 gateway # it reads Modbus', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 clock utc', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 clock none clock none', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 window 63', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 window 65537', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 window -1', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 window 100 window 100', 'ERR_CONFIG_VALUE_INVALID'],
      ['press-7 gateway true', 'ERR_CONFIG_VALUE_INVALID'],
      [`press-7 users ${'a'.repeat(256)}`, 'ERR_CONFIG_VALUE_INVALID'],
      [`press-7 topics${' a'.repeat(257)}`, 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  notary_enroll_certificates: {
    accepted: [
      ['true', { enrollCertificates: true }],
      ['false', { enrollCertificates: false }],
    ],
    refused: booleanRefusals,
  },
  notary_bind_client_id: {
    accepted: [
      ['true', { bindClientId: true }],
      ['0', { bindClientId: false }],
    ],
    refused: booleanRefusals,
  },
  notary_clock_skew: {
    accepted: [
      ['0', { clockSkewSeconds: 0 }],
      ['86400', { clockSkewSeconds: 86_400 }],
    ],
    refused: [...countRefusals, ['86401', 'ERR_CONFIG_VALUE_INVALID']],
  },
  notary_refuse_v3: {
    accepted: [
      ['drop', { refuseV3: 'drop' }],
      ['disconnect', { refuseV3: 'disconnect' }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['true', 'ERR_CONFIG_VALUE_INVALID'],
      ['drop disconnect', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  notary_ack_index: {
    accepted: [
      ['true', { ackIndex: true }],
      ['false', { ackIndex: false }],
    ],
    refused: booleanRefusals,
  },
  notary_failure_budget: {
    accepted: [
      ['20', { failureBudget: { burst: 20, perSecond: 1 } }],
      ['0 # a laboratory', { failureBudget: { burst: 0, perSecond: 1 } }],
      ['100 5', { failureBudget: { burst: 100, perSecond: 5 } }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ...(['-1', '1.5', 'x', '10 0', '10 x', '10 20 30', '2147483648', '1 2147483648'] as const).map(
        (value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const,
      ),
    ],
  },
  notary_publish_rate: {
    accepted: [
      ['100', { publishRate: { perSecond: 100 } }],
      ['100 5000 # sensors that were away', { publishRate: { perSecond: 100, burst: 5000 } }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ...(['0', '-1', '1.5', 'x', '10 0', '10 x', '10 20 30', '2147483648', '1 2147483648'] as const).map(
        (value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const,
      ),
    ],
  },
  notary_admin: {
    before: 'password_file users\n',
    accepted: [
      ['anonymous', { anonymousAdmin: true }],
      ['alice', { admins: ['alice'] }],
    ],
    refused: [['', 'ERR_CONFIG_VALUE_MISSING']],
  },
  notary_origin: {
    accepted: [['plant7.example.org/log', { origin: 'plant7.example.org/log' }]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['plant 7', 'ERR_CONFIG_VALUE_INVALID'],
      ['plant+7', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  notary_anchor: {
    accepted: [['/mnt/other disk/anchor', { anchors: ['/mnt/other disk/anchor'] }]],
    refused: [['', 'ERR_CONFIG_VALUE_MISSING']],
  },
  notary_connect_timeout: {
    accepted: [
      ['1', { connectTimeoutSeconds: 1 }],
      ['86400', { connectTimeoutSeconds: 86_400 }],
    ],
    refused: [...countRefusals, ['0', 'ERR_CONFIG_VALUE_INVALID'], ['86401', 'ERR_CONFIG_VALUE_INVALID']],
  },
  notary_checkpoint_interval: {
    accepted: [
      ['100', { checkpointIntervalMs: 100 }],
      ['86400000', { checkpointIntervalMs: 86_400_000 }],
    ],
    refused: [...countRefusals, ['99', 'ERR_CONFIG_VALUE_INVALID'], ['86400001', 'ERR_CONFIG_VALUE_INVALID']],
  },
  notary_max_connections_per_address: {
    accepted: [
      ['0', { maxConnectionsPerAddress: 0 }],
      ['20', { maxConnectionsPerAddress: 20 }],
    ],
    refused: [...countRefusals, ['2147483648', 'ERR_CONFIG_VALUE_INVALID']],
  },
  notary_retention: {
    accepted: [
      ['bodies age 90d', { retention: [{ what: 'bodies', ageSeconds: 90 * 86_400 }] }],
      ['records count 0 # none', { retention: [{ what: 'records', count: 0 }] }],
      [
        'bodies size 2G topic a/+/# count 5 age 1h',
        { retention: [{ what: 'bodies', bytes: 2 * 1024 ** 3, topic: 'a/+/#', count: 5, ageSeconds: 3600 }] },
      ],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['bodies', 'ERR_CONFIG_VALUE_MISSING'],
      ['bodies topic a', 'ERR_CONFIG_VALUE_MISSING'],
      ['bodies age', 'ERR_CONFIG_VALUE_MISSING'],
      ...[
        'leaves age 1d',
        'bodies age 0d',
        'bodies age 1',
        'bodies count -1',
        'bodies count 1k',
        'bodies size 1K',
        'bodies age 1d age 2d',
        'bodies age 1d topic a/#/b',
        'bodies age 1d forever',
        'bodies toString 1',
      ].map((value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const),
    ],
  },
  notary_min_free: {
    accepted: [
      ['0', { minFreeBytes: 0 }],
      ['4096', { minFreeBytes: 4096 }],
      ['4k', { minFreeBytes: 4096 }],
      ['64M', { minFreeBytes: 64 * 1024 * 1024 }],
      ['1G # of 20', { minFreeBytes: 1024 ** 3 }],
    ],
    refused: [
      ...countRefusals,
      ...(['4K', '4 k', '4kb', 'M', '9007199254740992'] as const).map(
        (value) => [value, 'ERR_CONFIG_VALUE_INVALID'] as const,
      ),
    ],
  },
  notary_scrub: {
    accepted: [
      ['0', { scrubPerSecond: 0 }],
      ['1000', { scrubPerSecond: 1000 }],
    ],
    refused: [...countRefusals, ['2147483648', 'ERR_CONFIG_VALUE_INVALID']],
  },
  notary_response_information: {
    accepted: [['replies/', { responseInformation: 'replies/' }]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['a\tb', 'ERR_CONFIG_TEXT_MALFORMED'],
    ],
  },
  notary_witness: {
    accepted: [
      [`w1 ${witness}`, { witnesses: [{ name: 'w1', vkey: witness }], witnessQuorum: 1 }],
      [
        `w1 ${witness} https://w.example/w # ours`,
        { witnesses: [{ name: 'w1', vkey: witness, url: 'https://w.example/w' }], witnessQuorum: 1 },
      ],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['w1', 'ERR_CONFIG_VALUE_MISSING'],
      ['w1 vkey', 'ERR_CONFIG_VALUE_INVALID'],
      [`w1 ${logKey('example.com/w1', 2).vkey}`, 'ERR_CONFIG_VALUE_INVALID'],
      [`w1 ${witness} w.example`, 'ERR_CONFIG_VALUE_INVALID'],
      [`w1 ${witness} https://w.example/ x`, 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  notary_witness_quorum: {
    accepted: [['all', {}]],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['0', 'ERR_CONFIG_VALUE_INVALID'],
      ['-1', 'ERR_CONFIG_VALUE_INVALID'],
      ['most', 'ERR_CONFIG_VALUE_INVALID'],
      ['1', 'ERR_CONFIG_VALUE_INVALID'],
      ['any', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  notary_http: {
    accepted: [
      ['9100', { httpListeners: [{ port: 9100 }] }],
      ['9100 127.0.0.1', { httpListeners: [{ port: 9100, host: '127.0.0.1' }] }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['0', 'ERR_CONFIG_PORT_INVALID'],
      ['9100 a b', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  notary_http_log: {
    accepted: [
      ['9101', { logListeners: [{ port: 9101 }] }],
      ['9101 ::1', { logListeners: [{ port: 9101, host: '::1' }] }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['65536', 'ERR_CONFIG_PORT_INVALID'],
      ['9101 a b', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  notary_export: {
    accepted: [
      ['/srv/log', { logExport: { directory: '/srv/log', intervalSeconds: 10 } }],
      ['/srv/log 60', { logExport: { directory: '/srv/log', intervalSeconds: 60 } }],
    ],
    refused: [
      ['', 'ERR_CONFIG_VALUE_MISSING'],
      ['/srv/log 0', 'ERR_CONFIG_VALUE_INVALID'],
      ['/srv/log 86401', 'ERR_CONFIG_VALUE_INVALID'],
      ['/srv/log often', 'ERR_CONFIG_VALUE_INVALID'],
      ['/srv/log 60 s', 'ERR_CONFIG_VALUE_INVALID'],
    ],
  },
  notary_backup: {
    accepted: [['/srv/back ups', { backupDirectory: '/srv/back ups' }]],
    refused: [['', 'ERR_CONFIG_VALUE_MISSING']],
  },
}
