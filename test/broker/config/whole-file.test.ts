import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LogType } from '../../../broker/options.ts'
import { assertRefused, interpretText, resolveText } from './support.ts'

describe('a file without a listener', () => {
  test('is local only: both loopbacks on 1883, anonymous clients allowed, nobody an administrator', () => {
    assert.deepEqual(resolveText('# nothing\n'), {
      location: './notarymq-data',
      listeners: [
        { protocol: 'mqtt', port: 1883, host: '127.0.0.1' },
        { protocol: 'mqtt', port: 1883, host: '::1', ifAvailable: true },
      ],
      allowAnonymous: true,
      persistence: true,
      protect: [],
      anonymousAdmin: false,
    })
  })

  test('listens on the port of the command line', () => {
    assert.deepEqual(
      resolveText('', 18831).listeners?.map(({ host, port }) => [host, port]),
      [
        ['127.0.0.1', 18831],
        ['::1', 18831],
      ],
    )
  })

  test('denies anonymous clients when it says so, where Mosquitto 2.0.11 lets them in', () => {
    assert.equal(resolveText('allow_anonymous false').allowAnonymous, false)
  })

  test('stays local only with words that do not open a listener in Mosquitto 2.0.11 (run)', () => {
    for (const line of ['protocol mqtt', 'max_topic_alias 5', 'max_connections -1', 'require_certificate false']) {
      assert.equal(interpretText(line).isLocalOnly, true, line)
    }
    assert.deepEqual(
      resolveText('max_topic_alias 5').listeners?.map(({ host, maxTopicAlias }) => [host, maxTopicAlias]),
      [
        ['127.0.0.1', 5],
        ['::1', 5],
      ],
    )
  })

  test('is no longer local only with port or bind_address, which make the default listener', () => {
    assert.deepEqual(resolveText('port 1884').listeners, [{ protocol: 'mqtt', port: 1884 }])
    const text = 'bind_address 127.0.0.1\nport 1884\nmax_connections 5'
    assert.deepEqual(resolveText(text).listeners, [
      { protocol: 'mqtt', port: 1884, host: '127.0.0.1', maxConnections: 5 },
    ])
    const { options, isLocalOnly, warnings } = interpretText(text)
    assert.deepEqual([options?.allowAnonymous, isLocalOnly, warnings], [false, false, []])
  })

  // Each word was run on Mosquitto 2.0.11, which then listens on port 1883 of every address.
  for (const word of ['max_connections 5', 'max_qos 1', 'socket_domain ipv4', 'use_username_as_clientid true']) {
    test(`opens the default listener for "${word}", and says so`, () => {
      const { options, isLocalOnly, warnings } = interpretText(`${word}\nlistener 1884 127.0.0.1`)
      assert.deepEqual(
        options?.listeners?.map(({ port, host }) => [port, host]),
        [
          [1884, '127.0.0.1'],
          [1883, undefined],
        ],
      )
      assert.deepEqual([isLocalOnly, warnings.map(({ line }) => line.lineNumber)], [false, [1]])
    })
  }
})

describe('a file with listeners', () => {
  test('opens the default listener last, wherever port stands', () => {
    for (const text of ['port 1884\nlistener 1885', 'listener 1885\nport 1884']) {
      assert.deepEqual(
        resolveText(text).listeners?.map(({ port }) => port),
        [1885, 1884],
      )
    }
  })

  test('says which lines above the first listener have no effect', () => {
    const { options, ignored } = interpretText('protocol mqtt\nmax_topic_alias 5\nmax_queued_messages 7\nlistener 1883')
    assert.deepEqual(options?.listeners, [{ protocol: 'mqtt', port: 1883 }])
    assert.deepEqual([options?.maxQueuedMessages, [...ignored.keys()].map(({ lineNumber }) => lineNumber)], [7, [1, 2]])
  })

  test('keeps TLS and limits apart by listener', () => {
    const tls = 'certfile c\nkeyfile k\n'
    const text = `listener 1883\nmax_connections 5\nlistener 8883\n${tls}listener 9001\nprotocol websockets\nlistener 8884\n${tls}protocol websockets\nmax_connections 7`
    assert.deepEqual(resolveText(text).listeners, [
      { protocol: 'mqtt', port: 1883, maxConnections: 5 },
      { protocol: 'mqtt', port: 8883, tls: { certFile: 'c', keyFile: 'k' } },
      { protocol: 'websockets', port: 9001 },
      { protocol: 'websockets', port: 8884, tls: { certFile: 'c', keyFile: 'k' }, maxConnections: 7 },
    ])
  })

  test('refuses a listener that has a part of TLS, at the line that asks for it', () => {
    const refuse = (text: string, line: number) => assertRefused(text, 'ERR_CONFIG_TLS_INCOMPLETE', line)
    refuse('listener 8883\ncertfile c\nlistener 1883', 2)
    refuse('listener 8883\n\nkeyfile k', 3)
    refuse('cafile a\nlistener 8883', 1)
    refuse('listener 8883\ncafile a', 2)
    refuse('listener 8883\nciphers a', 2)
    refuse('listener 8883\nuse_identity_as_username true', 2)
    refuse('listener 8883\ncertfile c\nkeyfile k\nuse_subject_as_username true', 4)
    refuse('listener 8883\nrequire_certificate true', 2)
    refuse('listener 8883\ntls_version tlsv1.2', 2)
    refuse('listener 8883\ncertfile c\nkeyfile k\nrequire_certificate true', 4)
    // The other half is another listener's.
    refuse('listener 8883\ncertfile c\nlistener 8884\nkeyfile k', 2)
    // Says nothing that is not so without it.
    assert.deepEqual(resolveText('listener 1883\nrequire_certificate false').listeners, [
      { protocol: 'mqtt', port: 1883 },
    ])
  })

  test('keeps them in file order, each with the protocol below it', () => {
    const text =
      'listener 1883 127.0.0.1\nlistener 9001\nprotocol websockets\nallow_anonymous true\nlistener 1884\nprotocol mqtt'
    const options = resolveText(text)
    assert.deepEqual(options.listeners, [
      { protocol: 'mqtt', port: 1883, host: '127.0.0.1' },
      { protocol: 'websockets', port: 9001 },
      { protocol: 'mqtt', port: 1884 },
    ])
    assert.equal(options.allowAnonymous, true)
  })

  test('denies anonymous clients unless it allows them', () => {
    assert.equal(resolveText('listener 1883 127.0.0.1').allowAnonymous, false)
    assert.equal(resolveText('allow_anonymous true\nlistener 1883').allowAnonymous, true)
  })

  test('ignores the port of the command line, as Mosquitto does', () => {
    assert.deepEqual(resolveText('listener 1883 ::1', 18831).listeners, [{ protocol: 'mqtt', port: 1883, host: '::1' }])
  })

  test('leaves what it does not say to the defaults of BrokerOptions', () => {
    const options = resolveText('listener 1883')
    for (const key of ['maxQueuedMessages', 'maxInflightMessages', 'keysDirectory', 'origin', 'log'] as const) {
      assert.equal(key in options, false, key)
    }
  })

  test('reports the first mistake of several', () => {
    assertRefused('listener 1883\nallow_anonymous yes\nLISTENER 1884', 'ERR_CONFIG_VALUE_INVALID', 2)
  })
})

describe('notary_admin anonymous', () => {
  const loopback = ['127.0.0.1', '127.255.0.9', '::1', 'localhost', 'LOCALHOST']
  for (const host of loopback) {
    test(`is accepted with a TCP listener on ${host}`, () => {
      assert.equal(resolveText(`notary_admin anonymous\nlistener 1883\nlistener 1884 ${host}`).anonymousAdmin, true)
    })
  }

  const elsewhere = [
    '',
    '0.0.0.0',
    '::',
    '192.0.2.1',
    '127.0.0.1.example.org',
    'localhost.example.org',
    '127.1',
    '::ffff:127.0.0.1',
  ]
  for (const host of elsewhere) {
    test(`is refused when the only listener is bound to ${host || 'every address'}`, () => {
      assertRefused(`listener 1883 ${host}\n\nnotary_admin anonymous`, 'ERR_CONFIG_ADMIN_NOT_LOOPBACK', 3)
    })
  }

  test('is refused when only WebSocket is on a loopback address', () => {
    const text = 'notary_admin anonymous\nlistener 9001 127.0.0.1\nprotocol websockets\nlistener 1883'
    assertRefused(text, 'ERR_CONFIG_ADMIN_NOT_LOOPBACK', 1)
  })

  test('is accepted in local only mode', () => {
    assert.equal(resolveText('notary_admin anonymous').anonymousAdmin, true)
  })
})

describe('several lines of one kind', () => {
  test('notary_protect keeps every rule, in file order', () => {
    assert.deepEqual(resolveText('notary_protect b/# signed\nnotary_protect a/+ signed').protect, [
      { filter: 'b/#', signed: true },
      { filter: 'a/+', signed: true },
    ])
  })

  test('notary_protect with none refuses beside a line that it neither narrows nor widens, and names both', () => {
    for (const [text, line, other] of [
      ['notary_protect a/b none\nnotary_protect a/b signed', 1, 2],
      ['notary_protect a/+ signed\n# why\nnotary_protect +/b none', 3, 1],
      ['notary_protect # none\nnotary_protect +/# tls', 1, 2],
    ] as const) {
      const { reason } = assertRefused(text, 'ERR_CONFIG_PROTECT_CONFLICT', line)
      assert.match(reason, new RegExp(` at t\\.conf:${other} `))
    }
    const { mistakes } = interpretText('notary_protect a/+ none\nnotary_protect +/b tls\nnotary_protect +/c tls')
    assert.deepEqual(
      mistakes.map(({ code, line }) => [code, line]),
      [
        ['ERR_CONFIG_PROTECT_CONFLICT', 1],
        ['ERR_CONFIG_PROTECT_CONFLICT', 1],
      ],
    )
  })

  test('notary_protect with none stands beside wider and narrower lines, and beside itself', () => {
    const lines = ['# tls', 'a/# none', 'a/b signed', 'b/+ none', 'b/+ none', '+/c none']
    const { protect = [] } = resolveText(lines.map((line) => `notary_protect ${line}\n`).join(''))
    assert.deepEqual(
      protect.map(({ filter }) => filter),
      ['#', 'a/#', 'a/b', 'b/+', 'b/+', '+/c'],
    )
  })

  // Each row was run on Mosquitto 2.0.11.
  const rows: readonly (readonly [readonly LogType[], readonly LogType[], string])[] = [
    [['error', 'information'], ['error', 'information'], 'add up'],
    [['error', 'error', 'information'], ['error', 'information'], 'count once'],
    [['notice', 'none'], ['none'], 'are taken back by none'],
    [['none', 'notice'], ['notice'], 'add to none'],
    [['notice', 'none', 'information'], ['information'], 'start again after none'],
    [['all', 'notice'], ['all'], 'add nothing to all'],
    [['notice', 'all'], ['all'], 'are contained in all'],
    [['error', 'all', 'none'], ['none'], 'are taken back by none, all too'],
  ]
  for (const [lines, types, what] of rows) {
    test(`log_type lines ${what}: ${lines.join(', ')}`, () => {
      const text = lines.map((type) => `log_type ${type}\n`).join('')
      assert.deepEqual(resolveText(`${text}log_dest stdout`).log, {
        destinations: [{ kind: 'stdout' }],
        types,
        timestamps: true,
      })
    })
  }
})

describe('log_dest', () => {
  // Each row was run on Mosquitto 2.0.11.
  for (const [kinds, expected, what] of [
    [['stdout', 'stderr'], ['stdout', 'stderr'], 'adds up'],
    [['stdout', 'stdout'], ['stdout'], 'counts once'],
    [['stdout', 'none'], ['none'], 'is taken back by none'],
    [['none', 'stdout'], ['stdout'], 'replaces none'],
  ] as const) {
    test(`${what}: ${kinds.join(', ')}`, () => {
      const destinations = resolveText(kinds.map((kind) => `log_dest ${kind}\n`).join('')).log?.destinations
      assert.deepEqual(
        destinations?.map(({ kind }) => kind),
        expected,
      )
    })
  }

  test('names one file at most', () => {
    assertRefused('log_dest file a\nlog_dest stdout\nlog_dest file b', 'ERR_CONFIG_VALUE_DUPLICATE', 3)
  })

  test('syslog takes its facility from wherever the line stands, which has no effect without it', () => {
    for (const text of ['log_dest syslog\nlog_facility 2', 'log_facility 2\nlog_dest syslog']) {
      assert.deepEqual(resolveText(text).log?.destinations, [{ kind: 'syslog', facility: 'local2' }])
    }
    assert.equal(interpretText('log_facility 2').ignored.size, 1)
  })
})

describe('notary_admin with a username', () => {
  const tls = 'listener 8883\ncertfile c\nkeyfile k\ncafile a\nrequire_certificate true\n'
  test('is accepted where a password or a certificate proves it', () => {
    const texts = [
      'password_file users\nlistener 1883',
      `${tls}use_identity_as_username true`,
      'per_listener_settings true\nlistener 1883\npassword_file users',
    ]
    for (const text of texts) {
      assert.deepEqual(resolveText(`${text}\nnotary_admin alice\nnotary_admin bob`).admins, ['alice', 'bob'])
    }
  })

  test('is refused where nobody can prove it', () => {
    for (const text of ['listener 1883', '# local only', tls.trim()]) {
      const place = text.split('\n').length + 1
      assertRefused(`${text}\nnotary_admin alice`, 'ERR_CONFIG_ADMIN_UNPROVABLE', place)
    }
  })
})

describe('all mistakes', () => {
  test('are found, each at its place, and what follows a wrong listener is no mistake of another', () => {
    const text =
      'listener 1883\nmax_connections 5\nlistener x\nmax_connections y\nfoo\nallow_anonymous yes\nconnection a'
    assert.deepEqual(
      interpretText(text).mistakes.map(({ code, line }) => [code, line]),
      [
        ['ERR_CONFIG_PORT_INVALID', 3],
        ['ERR_CONFIG_VALUE_INVALID', 4],
        ['ERR_CONFIG_DIRECTIVE_UNKNOWN', 5],
        ['ERR_CONFIG_VALUE_INVALID', 6],
        ['ERR_CONFIG_BRIDGE_INCOMPLETE', 7],
      ],
    )
  })
})
