/** What is asked over HTTP: `/metrics`, `/healthz`, `/readyz` by operators and their tools; the log by anybody. */
export {
  type HttpListenerContext,
  type HttpListenerOptions,
  type OpenHttpListener,
  openHttpListener,
} from './http-listener.ts'
export { answerFromLog } from './log-files.ts'
export { answer } from './pages.ts'
export { type NotReadyReason, notReadyReasons, type ReadinessSource } from './readiness.ts'
