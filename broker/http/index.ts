/** What operators and their tools ask over HTTP: `/metrics`, `/healthz`, `/readyz`, and nothing else. */
export {
  type HttpListenerContext,
  type HttpListenerOptions,
  type OpenHttpListener,
  openHttpListener,
} from './http-listener.ts'
export { type NotReadyReason, notReadyReasons, type ReadinessSource } from './readiness.ts'
