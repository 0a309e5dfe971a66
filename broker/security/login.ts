import type { AuthKind } from '../../protocol/index.ts'

/** What a client says of itself, and what its certificate says. */
export interface Credentials {
  readonly username: string | undefined
  readonly password: Uint8Array | undefined
  /** Name in the client certificate, where the listener takes names from there. */
  readonly certificateUsername: string | undefined
}

/** Who a client is, after it was let in. */
export interface Login {
  /** Proven, unless {@link auth} is `none`: then it is what the client claims. Undefined: anonymous. */
  readonly username: string | undefined
  /** How the name was proved. */
  readonly auth: AuthKind
  /** With `password`: what tells the record of the password file apart that it was proved with. */
  readonly record?: string | undefined
}
