import { isRefused, reserveWill, type StoreOperation, type VerifiedPublish } from '../../plugins/index.ts'
import type { RefusalCause } from '../../protocol/index.ts'
import { type Connack, type ConnectPacket, encodeConnect, reasonCode } from '../edge/index.ts'
import { clientConnected } from '../log/messages.ts'
import { acceptingConnack } from './accepting-connack.ts'
import type { ClientConnection } from './client-connection.ts'
import { reasonOfReturnCode } from './connack.ts'
import { engineClientId } from './engine-client-id.ts'
import { type EngineListener, EngineStream } from './engine-stream.ts'
import { isForgery } from './forgery.ts'
import type { ListenerRules } from './listener-rules.ts'
import { willPublish } from './publish-will.ts'
import { resumeNotarySubscriptions } from './subscribing.ts'

const noOperations: readonly StoreOperation[] = []

/**
 * From a CONNECT that is in order to its CONNACK, in three steps: the engine, which asks for the login and closes an
 * earlier connection of the same client; the session, at its place in the order of the chain; CONNACK and what waits.
 */
export class Handshake implements EngineListener {
  readonly #connection: ClientConnection
  readonly #limits: ListenerRules['limits']
  readonly #stream: EngineStream
  #packet: ConnectPacket
  #will: VerifiedPublish | undefined
  #engineReason: number | undefined

  constructor(connection: ClientConnection, packet: ConnectPacket, limits: ListenerRules['limits']) {
    this.#connection = connection
    this.#limits = limits
    this.#packet = packet
    this.#stream = new EngineStream(this)
  }

  /** What the client asked for. */
  get packet(): ConnectPacket {
    return this.#packet
  }

  begin(): void {
    const { context, id } = this.#connection
    context.streams.set(this.#stream, this.#connection)
    context.engine.handle(this.#stream)
    // A will, a keep alive and a session are not the engine's business.
    const { protocolVersion: version, username, password, authenticationMethod, authenticationData } = this.#packet
    const credentials = { username, password, authenticationMethod, authenticationData }
    this.#stream.push(encodeConnect({ version, clientId: engineClientId(id), cleanStart: true, ...credentials }))
  }

  /** Whether the client may come in. Asked by the engine. @throws {AuthenticationError} which refuses */
  async logIn(): Promise<boolean> {
    const { identity } = this.#connection
    const { password } = this.#packet
    // Not kept, neither here nor in the session.
    this.#packet = { ...this.#packet, password: undefined }
    if (!(await identity.logIn(password))) {
      const user = identity.username === undefined ? '' : ` (u'${identity.username}')`
      return this.#refuse(`not authorised${user}`)
    }
    if (!identity.isBound) return this.#refuse('its client id is not bound to a proven name')
    return this.#checkWill()
  }

  /** A will that could not be published when it fires is refused now, when its client can still be told. */
  async #checkWill(): Promise<boolean> {
    const { will } = this.#packet
    if (will === undefined) return true
    const { context, identity } = this.#connection
    const verdict = await context.gate.verify(willPublish(will, identity.publisher, this.#connection))
    if (!isRefused(verdict)) {
      this.#will = verdict
      return true
    }
    if (isForgery(verdict.cause)) this.#connection.penalise()
    return this.#refuseWill(verdict.cause)
  }

  #refuseWill(cause: RefusalCause): false {
    this.#connection.context.gate.counters.countRefusal(cause)
    return this.#refuse(`its will: ${cause}`)
  }

  #refuse(why: string): false {
    const { context, id, peer } = this.#connection
    context.counters.loginsRefused++
    context.log.notice(`Client ${id} from ${peer} refused: ${why}`)
    return false
  }

  onEngineConnack(code: number): void {
    const { edge, version } = this.#connection
    if (code === 0) this.#openSession()
    else edge.refuse(version === 5 ? code : reasonOfReturnCode(code))
  }

  #openSession(): void {
    const connection = this.#connection
    const { context, edge, identity, departure } = connection
    let isPresent = false
    let willRefusal: RefusalCause | undefined
    connection.submit({
      bytes: 512,
      decide: (index) => {
        if (edge.isClosed) return undefined
        const reserved = this.#will === undefined ? noOperations : reserveWill(this.#will, index, context.gate)
        if ('cause' in reserved) {
          willRefusal = reserved.cause
          return undefined
        }
        const { clientId, publisher } = identity
        const request = { ...this.#packet, clientId, publisher, departure: () => departure.outcome }
        const opened = context.sessions.openSession(request, edge)
        connection.session = opened.session
        isPresent = opened.isPresent
        return { also: reserved }
      },
      settle: () => {
        if (willRefusal !== undefined) {
          this.#refuseWill(willRefusal)
          edge.refuse(reasonCode.notAuthorized)
          return
        }
        const { session } = connection
        if (session === undefined || session.link !== edge) return
        this.#log()
        if (isPresent) resumeNotarySubscriptions(connection)
        edge.accept(this.#connack(isPresent))
        session.outbox.attach(edge)
      },
    })
  }

  #connack(sessionPresent: boolean): Connack {
    const { id: clientId, context } = this.#connection
    return acceptingConnack(this.#packet, {
      clientId,
      sessionPresent,
      limits: this.#limits,
      longestExpirySeconds: context.persistentClientExpirationSeconds,
      responseInformation: context.responseInformation,
    })
  }

  #log(): void {
    const { context, transport, identity } = this.#connection
    if (!context.connectionMessages) return
    const { protocolVersion, cleanStart, keepAliveSeconds } = this.#packet
    context.log.notice(
      clientConnected({
        address: transport.remoteAddress,
        port: transport.remotePort,
        clientId: identity.clientId,
        protocolVersion,
        cleanStart,
        keepAliveSeconds,
        username: identity.username,
      }),
    )
  }

  /** The engine says why it is about to give the connection up. */
  onEngineDisconnect(code: number): void {
    this.#engineReason = code
  }

  /** The engine has closed the connection: somebody else has the client id, or the broker ends. */
  onEngineEnd(): void {
    this.#connection.edge.disconnect(this.#engineReason ?? reasonCode.sessionTakenOver)
  }

  /** The connection is over: the engine forgets it. */
  end(): void {
    this.#stream.destroy()
  }
}
