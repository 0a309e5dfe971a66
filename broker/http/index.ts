/** What is asked over HTTP: `/metrics`, `/healthz`, `/readyz` by operators and their tools; the log by anybody. */
export {
  type HttpListenerContext,
  type HttpListenerOptions,
  openHttpListener,
} from './http-listener.ts'
export type { OpenHttpServer } from './http-server.ts'
export { answerFromLog } from './log-files.ts'
export { answer } from './pages.ts'
export { type NotReadyReason, notReadyReasons, type ReadinessSource } from './readiness.ts'
