import type { ConnectFields } from '../../helpers/conformance/build.ts'
import { Player } from './player.ts'
import type { Program, Site } from './program.ts'

/** One step of the script: says what clients saw. */
export interface Step {
  readonly name: string
  readonly play: (stage: Stage) => Promise<void>
}

/** What each step printed, in the order of the script. */
export type Transcript = ReadonlyMap<string, readonly string[]>

/** Where a step plays: one broker, and the clients that have entered. */
export class Stage {
  readonly program: Program
  readonly #players: Player[] = []
  #lines: string[] = []

  constructor(program: Program) {
    this.program = program
  }

  /** Plays all steps. One that fails says so in the transcript, and the next begins. */
  async play(steps: readonly Step[]): Promise<Transcript> {
    const transcript = new Map<string, readonly string[]>()
    for (const { name, play } of steps) {
      this.#lines = []
      try {
        await play(this)
      } catch (error) {
        this.say(`FAILED ${error instanceof Error ? error.message : error}`)
      }
      for (const player of this.#players.splice(0)) await player.leave()
      if (transcript.has(name)) throw new Error(`two steps are named "${name}"`)
      transcript.set(name, this.#lines)
    }
    return transcript
  }

  say(line: string): void {
    this.#lines.push(line)
  }

  /** Says what `player` was sent since it was asked last. */
  sayHeard(name: string, player: Player): void {
    const heard = player.heard()
    for (const line of heard.length === 0 ? ['nothing'] : heard) this.say(`${name} <- ${line}`)
  }

  /** A client of the ordinary listener, in silence; leaves when the step ends. */
  async enter(fields: ConnectFields, port = this.program.ports.main): Promise<Player> {
    const { player } = await this.#enter(fields, port)
    return player
  }

  /** The same, and says how it was received. */
  async announce(name: string, fields: ConnectFields, port = this.program.ports.main): Promise<Player> {
    const { player, answer } = await this.#enter(fields, port)
    this.say(`${name}: ${answer}`)
    return player
  }

  /** Writes files anew and sends SIGHUP. */
  async reload(changes: Partial<Site>): Promise<void> {
    this.program.change(changes)
    await this.program.reload()
  }

  async #enter(fields: ConnectFields, port: number): Promise<{ player: Player; answer: string }> {
    const entered = await Player.enter(port, fields)
    this.#players.push(entered.player)
    return entered
  }
}
