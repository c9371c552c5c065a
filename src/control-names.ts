// Names of the test controls (see src/controls). They stand here since metrics has one series for each.

/** Controls that do something by themselves. */
export const CONTROL_NAMES = [
  'status',
  'handshake-delay',
  'handshake',
  'subprotocol',
  'cookie',
  'header',
  'compression',
  'trickle',
  'delay',
  'jitter',
  'rate',
  'read-rate',
  'stall',
  'fragment',
  'chop',
  'compress',
  'drop',
  'duplicate',
  'corrupt',
  'swap',
  'reply',
  'push',
  'describe',
  'ping',
  'pong',
  'close',
  'end',
  'close-reply',
  'close-wait',
  'send',
] as const

/** Controls that say how, or when, another one does it. */
export const DETAIL_NAMES = [
  'location',
  'retry-after',
  'chop-delay',
  'push-size',
  'reason',
  'after',
  'close-after',
  'end-after',
  'send-after',
  'seed',
] as const

export type ControlName = (typeof CONTROL_NAMES)[number]
export type DetailName = (typeof DETAIL_NAMES)[number]
