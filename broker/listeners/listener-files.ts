import type { TlsOptions } from './listener-options.ts'
import { expiryWarning, loadTlsFiles, type TlsFiles } from './tls-files.ts'

const dayMs = 86_400_000

/** The files of a listener in use, until others take their place; once a day it looks whether the certificate ends soon. */
export class ListenerFiles {
  readonly #onWarning: (message: string) => void
  #current: TlsFiles
  #onReplaced: (files: TlsFiles) => void = () => {}
  #timer: NodeJS.Timeout | undefined

  /** @throws {BrokerError} ERR_TLS_UNUSABLE */
  constructor(settings: TlsOptions, onWarning: (message: string) => void) {
    this.#onWarning = onWarning
    this.#current = loadTlsFiles(settings, Date.now())
    for (const warning of this.#current.warnings) onWarning(warning)
  }

  get current(): TlsFiles {
    return this.#current
  }

  /** @param onReplaced takes other files into use */
  start(onReplaced: (files: TlsFiles) => void): void {
    this.#onReplaced = onReplaced
    this.#timer = setInterval(() => {
      const { settings, certificate } = this.#current
      const warning = expiryWarning(settings.certFile, certificate, Date.now())
      if (warning !== undefined) this.#onWarning(warning)
    }, dayMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Reads the files anew, as these settings name them. @returns takes them into use @throws {BrokerError} ERR_TLS_UNUSABLE */
  prepare(settings: TlsOptions): () => void {
    const files = loadTlsFiles(settings, Date.now())
    return () => {
      this.#current = files
      this.#onReplaced(files)
      for (const warning of files.warnings) this.#onWarning(warning)
    }
  }
}
