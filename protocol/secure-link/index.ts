export {
  encodeExchangeFrame,
  encodeFrame,
  FrameReader,
  frameMacBytes,
  type LinkFrame,
  openExchangeFrame,
} from './frame.ts'
export { type LinkDirection, LinkReceiver, LinkSender } from './link-keys.ts'
export {
  decodeLinkAnswer,
  decodeLinkPublish,
  encodeLinkAnswer,
  encodeLinkPublish,
  type LinkAnswer,
  type LinkPublish,
} from './link-messages.ts'
