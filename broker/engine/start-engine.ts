import { Aedes, type Client } from 'aedes'
import type { StoreDatabase } from '../../plugins/index.ts'
import type { ClientConnection } from '../connection/client-connection.ts'
import { describe } from '../describe.ts'
import type { BrokerLogger } from '../logger.ts'
import { asEmitter, EngineBus } from './engine-bus.ts'
import { EnginePersistence } from './engine-persistence.ts'
import { guardHooks, notAuthorizedReturnCode } from './hooks.ts'

/** [MQTT-5.0 1.5.4]; the engine's own limit for 3.1 clients is 23 characters, which Mosquitto does not have. */
const maxClientIdLength = 65_540

export interface EngineOptions {
  readonly database: StoreDatabase
  /** Streams that were given to the engine, and whose they are. */
  readonly streams: WeakMap<object, ClientConnection>
  readonly log: BrokerLogger
  readonly onError: (error: unknown) => void
}

/**
 * Aedes as this broker uses it: it does the handshake, asks who may come in, knows who is connected and closes an
 * earlier connection of the same client. It sees no PUBLISH and no SUBSCRIBE: `createBroker` says where those go.
 */
export function startEngine({ database, streams, log, onError }: EngineOptions): Promise<Aedes> {
  const refuse = () => new Error('not for the engine')
  const hooks = guardHooks(
    {
      preConnect: (_client, _packet, answer) => answer(null, true),
      authenticate: (client, _username, _password, answer) => {
        const refuse = () =>
          answer(Object.assign(new Error('not authorised'), { returnCode: notAuthorizedReturnCode }), null)
        const connection = connectionOf(streams, client)
        if (connection === undefined) refuse()
        else {
          connection.logIn().then(
            (isLetIn) => (isLetIn ? answer(null, true) : refuse()),
            (error) => {
              // Whoever cannot be checked does not come in.
              log.notice(`Client ${connection.id} from ${connection.peer} refused: ${describe(error)}`)
              refuse()
            },
          )
        }
      },
      // Nothing of the kind comes by the engine; if it did, it would come past the chain.
      authorizePublish: (_client, _packet, answer) => answer(refuse()),
      authorizeSubscribe: (_client, _subscription, answer) => answer(null, null),
      authorizeForward: () => null,
    },
    onError,
  )
  return Aedes.createBroker({
    ...hooks,
    mq: asEmitter(new EngineBus()),
    persistence: new EnginePersistence(database),
    maxClientsIdLength: maxClientIdLength,
  }).then((engine) => {
    engine.on('clientError', (client, error) =>
      log.debug(`Client ${connectionOf(streams, client)?.id}: ${error.message}`),
    )
    engine.on('connectionError', (client, error) => {
      log.debug(`Connection of ${connectionOf(streams, client)?.peer}: ${error.message}`)
    })
    // Not in the types of this version: failures of the engine's own housekeeping. Unheard it would end the process (row 12).
    ;(engine as NodeJS.EventEmitter).on('error', (error: unknown) => log.error(`Engine: ${describe(error)}`))
    return engine
  })
}

function connectionOf(streams: EngineOptions['streams'], client: Client): ClientConnection | undefined {
  return streams.get(client.conn)
}
