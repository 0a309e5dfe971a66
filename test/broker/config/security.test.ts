import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assertRefused, interpretText, resolveText } from './support.ts'

const securityOf = (text: string) => resolveText(text).listeners?.map(({ port, security }) => [port, security])

describe('without per_listener_settings', () => {
  test('security is the whole broker’s, wherever it stands', () => {
    const options = resolveText(
      'listener 1883\npassword_file users\nlistener 1884\nallow_anonymous true\nacl_file rules',
    )
    assert.deepEqual([options.passwordFile, options.aclFile, options.allowAnonymous], ['users', 'rules', true])
    assert.deepEqual(
      options.listeners?.map((listener) => 'security' in listener),
      [false, false],
    )
  })

  test('listener_allow_anonymous and listener_auto_id_prefix say what differs at one listener', () => {
    const text = 'allow_anonymous true\nlistener 1883\nlistener_allow_anonymous false\nlistener 1884'
    assert.deepEqual(securityOf(`${text}\nlistener_auto_id_prefix x-`), [
      [1883, { allowAnonymous: false }],
      [1884, { autoIdPrefix: 'x-' }],
    ])
  })
})

describe('per_listener_settings true', () => {
  test('gives security to the listener above it', () => {
    const text = `per_listener_settings true
listener 1883 127.0.0.1
allow_anonymous true
listener 8883
password_file users
acl_file rules
allow_zero_length_clientid false
auto_id_prefix x-
listener 1884`
    assert.deepEqual(securityOf(text), [
      [1883, { allowAnonymous: true }],
      [8883, { passwordFile: 'users', aclFile: 'rules', allowZeroLengthClientId: false, autoIdPrefix: 'x-' }],
      [1884, {}],
    ])
    const { allowAnonymous, passwordFile, aclFile } = resolveText(text)
    assert.deepEqual(
      { allowAnonymous, passwordFile, aclFile },
      { allowAnonymous: false, passwordFile: undefined, aclFile: undefined },
    )
  })

  test('lets each listener have its own password_file, and not two', () => {
    const text = 'per_listener_settings true\nlistener 1883\npassword_file a\nlistener 1884\npassword_file b'
    assert.deepEqual(securityOf(text), [
      [1883, { passwordFile: 'a' }],
      [1884, { passwordFile: 'b' }],
    ])
    assertRefused(`${text}\npassword_file c`, 'ERR_CONFIG_VALUE_DUPLICATE', 6)
    assertRefused(text.replace('true', 'false'), 'ERR_CONFIG_VALUE_DUPLICATE', 5)
  })

  test('opens the default listener for a password_file above the first, not for allow_anonymous (run)', () => {
    assert.deepEqual(securityOf('per_listener_settings true\npassword_file a\nlistener 1884'), [
      [1884, {}],
      [1883, { passwordFile: 'a' }],
    ])
    const { options, ignored } = interpretText('per_listener_settings true\nallow_anonymous true\nlistener 1884')
    assert.deepEqual([options?.allowAnonymous, options?.listeners?.[0]?.security, ignored.size], [false, {}, 1])
  })

  test('must stand before what it moves, and may not be taken back', () => {
    for (const line of ['allow_anonymous true', 'password_file a', 'acl_file a', 'auto_id_prefix a']) {
      assertRefused(`listener 1883\n${line}\nper_listener_settings true`, 'ERR_CONFIG_ORDER', 3)
    }
    const back = 'per_listener_settings true\nlistener 1883\nallow_anonymous true\nper_listener_settings false'
    assertRefused(back, 'ERR_CONFIG_ORDER', 4)
    assert.ok(resolveText('listener 1883\nallow_anonymous true\nper_listener_settings false'))
  })
})

describe('the plugins of Mosquitto 2.1', () => {
  test('for passwords and access rules are their directives', () => {
    const text = `plugin /usr/lib/mosquitto_password_file.so
plugin_opt_password_file users
plugin /usr/lib/mosquitto_acl_file.so
plugin_opt_acl_file rules`
    const { passwordFile, aclFile } = resolveText(text)
    assert.deepEqual({ passwordFile, aclFile }, { passwordFile: 'users', aclFile: 'rules' })
    assert.deepEqual(securityOf(`per_listener_settings true\nlistener 1883\n${text}`), [
      [1883, { passwordFile: 'users', aclFile: 'rules' }],
    ])
  })

  test('get no options of one another', () => {
    assertRefused('plugin_opt_acl_file rules', 'ERR_CONFIG_VALUE_INVALID', 1)
    assertRefused('plugin mosquitto_password_file.so\nplugin_opt_acl_file rules', 'ERR_CONFIG_VALUE_INVALID', 2)
  })

  test('for the store are not needed, which is said', () => {
    const { options, ignored } = interpretText('plugin mosquitto_persist_sqlite.so\nplugin_opt_sync normal')
    assert.deepEqual([options, ignored.size], [resolveText(''), 2])
  })

  test('are refused beside per_listener_settings when they ask for all listeners', () => {
    const text = 'per_listener_settings true\nglobal_plugin mosquitto_acl_file.so'
    assertRefused(text, 'ERR_CONFIG_VALUE_UNSUPPORTED', 2)
  })
})

describe('a connection', () => {
  const start = 'connection a\naddress b\ntopic # out\n'
  test('owns its words until the next one, whatever stands between', () => {
    const { bridges, listeners } = resolveText(
      `${start}listener 1883\nnotifications false\nconnection c\naddress d\ntopic # in\nmax_connections 5`,
    )
    assert.deepEqual(
      bridges?.map(({ name, notifications }) => [name, notifications]),
      [
        ['a', false],
        ['c', true],
      ],
    )
    assert.deepEqual(listeners, [{ protocol: 'mqtt', port: 1883, maxConnections: 5 }])
  })

  test('is needed by every word of a bridge', () => {
    for (const line of ['topic # out', 'username a', 'address b', 'bridge_cafile c', 'cleansession true']) {
      assertRefused(`listener 1883\n${line}`, 'ERR_CONFIG_CONNECTION_MISSING', 2)
    }
  })

  test('never sends in plain text what was meant for TLS, nor a password without a name', () => {
    for (const line of ['bridge_certfile c', 'bridge_keyfile c', 'bridge_alpn mqtt', 'bridge_insecure true']) {
      assertRefused(`${start}${line}`, 'ERR_CONFIG_BRIDGE_INCOMPLETE', 4)
    }
    assertRefused(`${start}bridge_cafile c\nbridge_certfile c`, 'ERR_CONFIG_BRIDGE_INCOMPLETE', 4)
    assertRefused(`${start}remote_password p`, 'ERR_CONFIG_BRIDGE_INCOMPLETE', 4)
    assert.ok(resolveText(`${start}remote_password p\nbridge_protocol_version mqttv50`))
    assert.ok(resolveText(`${start}bridge_insecure false`))
  })

  test('has its words once, by whichever name', () => {
    assertRefused(`${start}remote_username u\nusername v`, 'ERR_CONFIG_VALUE_DUPLICATE', 5)
    assertRefused(`${start}addresses c`, 'ERR_CONFIG_VALUE_DUPLICATE', 4)
    assert.ok(resolveText(`${start}username u\n${start.replace('a', 'e')}username v`))
  })
})
