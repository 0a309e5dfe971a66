import { type ClientAccess, PluginError, type Publisher, provenUsername } from '../../plugins/index.ts'
import type { Arrival, OpenListener } from '../listeners/index.ts'
import type { Login } from '../security/login.ts'
import { certificateThumbprint, enrollCertificateKey } from './certificate-key.ts'
import type { ConnectionContext } from './connection-context.ts'
import type { Entry } from './entry.ts'
import type { ListenerRules } from './listener-rules.ts'

/** Who a client is and what it may do: what it says of itself until it is logged in, then what was found out. */
export class ClientIdentity {
  readonly #arrival: Arrival
  readonly #security: ListenerRules['security']
  readonly #context: ConnectionContext
  #clientId = ''
  #username: string | undefined
  #isAssigned = false
  #login: Login | undefined
  #publisher: Publisher | undefined
  #access: ClientAccess | undefined

  constructor(arrival: Arrival, security: ListenerRules['security'], context: ConnectionContext) {
    this.#arrival = arrival
    this.#security = security
    this.#context = context
  }

  /** Empty until its CONNECT was found to be in order. */
  get clientId(): string {
    return this.#clientId
  }

  /** Of its certificate where the listener takes names from there, else as its CONNECT says; undefined: anonymous. */
  get username(): string | undefined {
    return this.#username
  }

  /** As records name it. Only of a client that is logged in. */
  get publisher(): Publisher {
    return this.#publisher as Publisher
  }

  /** May use the admin topic: an anonymous client of this machine where that is allowed, or a proven name. */
  get isAdministrator(): boolean {
    const { isLoopback, protocol } = this.#arrival.listener
    const { anonymousAdmin, admins } = this.#context
    if (this.#username === undefined) return anonymousAdmin && isLoopback && protocol === 'mqtt'
    return this.#login !== undefined && this.#login.auth !== 'none' && admins.includes(this.#username)
  }

  /** What the far end of a bridge calls a topic; undefined where no bridge has another name for it. */
  remoteTopicOf(topicName: string): string | undefined {
    return this.#arrival.bridge?.remoteTopicOf(topicName)
  }

  mayWrite(topicName: string): boolean {
    return this.#access === undefined || this.#access.mayWrite(topicName)
  }

  /** Whether it could be sent now what is published to a topic, on the listener that it came in by. */
  mayRead(topicName: string): boolean {
    return this.#context.access.readerOf(this.publisher)?.mayRead(topicName) ?? true
  }

  /** Thumbprint of the key of its certificate; undefined without one on our curve. */
  get certificateKey(): Uint8Array | undefined {
    const certificate = this.#arrival.tls?.peerCertificate
    return certificate === undefined ? undefined : certificateThumbprint(certificate)
  }

  claim({ clientId, username, isAssigned }: Entry): void {
    this.#clientId = clientId
    this.#username = username
    this.#isAssigned = isAssigned
  }

  /**
   * Whether the client may have its client id, where ids are bound to names: one that it chose is its proven name, or
   * begins with it and a separator. Only of a client that is logged in.
   */
  get isBound(): boolean {
    if (!this.#context.bindClientId || this.#isAssigned || this.#arrival.bridge !== undefined) return true
    const name = provenUsername(this.publisher)
    if (name === undefined || name === '' || !this.#clientId.startsWith(name)) return false
    const rest = this.#clientId.slice(name.length)
    return rest === '' || /^[-/:_]/.test(rest)
  }

  /**
   * Whether the client may come in.
   * @throws {AuthenticationError} ERR_AUTHENTICATION_*, which refuses
   */
  async logIn(password: Uint8Array | undefined): Promise<boolean> {
    const login = await this.#authenticate(password)
    if (login === undefined) return false
    const { name: listener, isTls } = this.#arrival.listener
    this.#login = login
    this.#publisher = { clientId: this.#clientId, username: login.username, auth: login.auth, listener, isTls }
    this.#access = this.#context.access.accessOf(this.#publisher)
    await this.#enrollCertificateKey(this.#publisher)
    return true
  }

  /** Whoever may come in does, also with a key that cannot be enrolled: then it is one that nobody knows. */
  async #enrollCertificateKey(publisher: Publisher): Promise<void> {
    const { gate, enrollCertificates, log } = this.#context
    const certificate = this.#arrival.tls?.peerCertificate
    if (!enrollCertificates || certificate === undefined) return
    try {
      await enrollCertificateKey(gate.chain, certificate, publisher)
    } catch (error) {
      if (!(error instanceof PluginError)) throw error
      log.notice(
        `The key of the certificate of ${publisher.clientId} was not enrolled: ${error.code}: ${error.message}`,
      )
    }
  }

  async #authenticate(password: Uint8Array | undefined): Promise<Login | undefined> {
    const username = this.#username
    const { bridge, certificateUsername } = this.#arrival
    // The broker made it itself; as with Mosquitto no password stands in its way.
    if (bridge !== undefined) return { username, auth: 'none' }
    return this.#security.authenticate({ username, password, certificateUsername: certificateUsername ?? undefined })
  }

  /**
   * The rules were read anew: they hold from now on.
   * @param listener that it came in by; undefined: it is one of the broker's own
   * @returns why it would not be let in any more, or undefined
   */
  applyRules(listener: Pick<OpenListener, 'certificateProblem'> | undefined): string | undefined {
    if (this.#login === undefined || this.#arrival.bridge !== undefined) return undefined
    const certificate = this.#arrival.tls?.peerCertificate
    const problem = certificate === undefined ? undefined : listener?.certificateProblem(certificate)
    if (problem !== undefined) return `not authorised any more: its certificate is not good any more (${problem})`
    if (!this.#security.holds(this.#login)) return 'not authorised any more'
    this.#access = this.#context.access.accessOf(this.publisher)
    return undefined
  }
}
