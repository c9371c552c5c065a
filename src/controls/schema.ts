// The one schema of the test controls: their values, their errors, the catalogue and the table in docs/controls.md.

import type { ControlName, DetailName } from '../control-names.js'
import { HANDSHAKE_FAULT_NAMES } from './handshake-faults.js'
import {
  after,
  alone,
  closeCode,
  cookie,
  duration,
  field,
  fieldValue,
  type Kind,
  offOrLate,
  oneOf,
  percent,
  size,
  text,
  token,
  wholeNumber,
} from './kinds.js'
import { type Sending, sending } from './sending.js'

export const CONTROL_GROUPS = ['Handshake', 'Echo', 'Life and end', 'Details'] as const

export interface Control<T, Repeatable extends boolean = boolean> {
  readonly group: (typeof CONTROL_GROUPS)[number]
  readonly kind: Kind<T>
  /** One sentence. */
  readonly help: string
  readonly example: string
  /** It may be given several times; its values are then a list. */
  readonly repeatable: Repeatable
  /** Only with `--controls all`: it could hurt others than whoever asks for it. */
  readonly restricted: boolean
  /** It is about octets that are not there over HTTP/2. */
  readonly http1Only: boolean
  /** For a detail: it says more about one of these, and needs one. */
  readonly of: readonly ControlName[]
}

type Name = ControlName | DetailName
type About = Pick<Control<never>, 'help' | 'example'>

const SECOND = 1000
const MINUTE = 60 * SECOND
const MIB = 2 ** 20

function controlOf<T>(group: Control<T>['group'], kind: Kind<T>, about: About): Control<T, false> {
  return { group, kind, ...about, repeatable: false, restricted: false, http1Only: false, of: [] }
}

function detail<T>(of: readonly ControlName[], kind: Kind<T>, about: About): Control<T, false> {
  return { ...controlOf('Details', kind, about), of }
}

const RESTRICTED = { restricted: true } as const
const HTTP1_ONLY = { http1Only: true } as const
const WITH_CHANCE: readonly ControlName[] = ['drop', 'duplicate', 'corrupt', 'swap', 'jitter', 'close', 'end', 'send']

export const CONTROLS = {
  status: controlOf('Handshake', wholeNumber(300, 599), {
    help: 'Refuses the handshake with this status.',
    example: '503',
  }),
  'handshake-delay': controlOf('Handshake', duration(0, MINUTE), {
    help: 'Answers the handshake so much later.',
    example: '2s',
  }),
  handshake: {
    ...controlOf('Handshake', oneOf(...HANDSHAKE_FAULT_NAMES), {
      help: 'Answers the handshake wrongly, or not at all.',
      example: 'bad-accept',
    }),
    ...HTTP1_ONLY,
  },
  subprotocol: controlOf('Handshake', token, {
    help: 'The only subprotocol that the server speaks here: agreed if the client offers it.',
    example: 'chat',
  }),
  cookie: {
    ...controlOf('Handshake', cookie, { help: 'Sets a cookie with the 101.', example: 'session=1' }),
    ...RESTRICTED,
  },
  header: {
    ...controlOf('Handshake', field, { help: 'A further field of the answer; repeatable.', example: 'X-Test:1' }),
    ...RESTRICTED,
    repeatable: true as const,
  },
  compression: controlOf('Handshake', oneOf('off'), { help: 'Declines permessage-deflate.', example: 'off' }),
  trickle: {
    ...controlOf('Handshake', duration(1, 100), {
      help: 'Sends the answer octet by octet, with such a pause between two.',
      example: '10ms',
    }),
    ...HTTP1_ONLY,
  },

  delay: controlOf('Echo', duration(0, MINUTE), { help: 'Echoes each message so much later.', example: '200ms' }),
  jitter: controlOf('Echo', duration(0, MINUTE), {
    help: 'A further delay, at random up to this; the order of messages is kept.',
    example: '50ms',
  }),
  rate: controlOf('Echo', size(100, 2 ** 30), {
    help: 'Octets a second that the server sends at most.',
    example: '64kB',
  }),
  'read-rate': controlOf('Echo', size(100, 2 ** 30), {
    help: 'Octets a second that the server reads, on average; the client meets back-pressure.',
    example: '64kB',
  }),
  stall: controlOf('Echo', wholeNumber(0, 1e9), {
    help: 'Reads nothing more after so many messages, up to controls-hold-timeout.',
    example: '10',
  }),
  fragment: controlOf('Echo', size(1, 2 ** 30), {
    help: 'Sends messages in frames of at most so many octets.',
    example: '1000',
  }),
  chop: {
    ...controlOf('Echo', size(1, 2 ** 20), { help: 'Writes at most so many octets to TCP at once.', example: '7' }),
    ...HTTP1_ONLY,
  },
  compress: controlOf('Echo', oneOf('always', 'never'), {
    help: 'Compresses every message, or none, where permessage-deflate is agreed.',
    example: 'always',
  }),
  drop: controlOf('Echo', percent, { help: 'Share of messages that are not echoed.', example: '5%' }),
  duplicate: controlOf('Echo', percent, { help: 'Share of messages that are echoed twice.', example: '5%' }),
  corrupt: controlOf('Echo', percent, {
    help: 'Share of messages of which one bit is changed, or of text one ASCII letter.',
    example: '1%',
  }),
  swap: controlOf('Echo', percent, {
    help: 'Share of messages that change places with the next; one without a next comes a second later.',
    example: '5%',
  }),
  reply: controlOf('Echo', oneOf('echo', 'none', 'count', 'describe', 'upper', 'sha256', 'size'), {
    help: 'Answers with this: the number of the message, JSON about the connection, upper case, a digest in hex, the size in octets.',
    example: 'sha256',
  }),
  push: controlOf('Echo', duration(10, MINUTE), {
    help: 'Sends messages of its own, each so long after the one before; they begin with their number.',
    example: '1s',
  }),

  describe: controlOf('Life and end', alone, {
    help: 'The first message is JSON about the connection: id, worker, host, pod, peer, request, what was agreed.',
    example: '',
  }),
  ping: controlOf('Life and end', duration(10, MINUTE), { help: 'Pings the client so often.', example: '1s' }),
  pong: controlOf('Life and end', offOrLate(MINUTE), {
    help: 'Does not answer pings, or so much later.',
    example: 'off',
  }),
  close: controlOf('Life and end', closeCode, { help: 'Sends a Close with this code.', example: '4001' }),
  end: controlOf('Life and end', oneOf('fin', 'reset', 'vanish'), {
    help: 'Ends TCP without a Close, over HTTP/2 the stream (END_STREAM, RST_STREAM); vanish leaves it open, with nothing read or sent, up to controls-hold-timeout.',
    example: 'reset',
  }),
  'close-reply': controlOf('Life and end', offOrLate(MINUTE), {
    help: "Does not answer the client's Close, or so much later.",
    example: '2s',
  }),
  'close-wait': controlOf('Life and end', duration(0, MINUTE), {
    help: 'Holds TCP open for so long after both Closes.',
    example: '10s',
  }),
  send: controlOf<Sending>('Life and end', sending, {
    help: 'Sends frames that a server must not send, or that clients get wrong.',
    example: 'masked',
  }),

  location: {
    ...detail(['status'], fieldValue, { help: 'Where a redirect leads: the Location field.', example: '/elsewhere' }),
    ...RESTRICTED,
  },
  'retry-after': detail(['status'], duration(0, 24 * 60 * MINUTE), {
    help: 'When to try again: the Retry-After field, in whole seconds.',
    example: '5s',
  }),
  'chop-delay': {
    ...detail(['chop'], duration(0, SECOND), { help: 'Pause between two such writes.', example: '1ms' }),
    ...HTTP1_ONLY,
  },
  'push-size': detail(['push'], size(0, MIB), { help: 'Octets of each message that is pushed.', example: '1kB' }),
  reason: detail(['close'], text(123), { help: 'Reason of the Close.', example: 'bye' }),
  after: detail(['close', 'end', 'send'], after, {
    help: 'When: after so many messages, octets of messages or time, or at random in a range. Without it at once.',
    example: '3',
  }),
  'close-after': detail(['close'], after, { help: 'The same for close alone.', example: '5s' }),
  'end-after': detail(['end'], after, { help: 'The same for end alone.', example: '64kB' }),
  'send-after': detail(['send'], after, { help: 'The same for send alone.', example: '1s..10s' }),
  seed: detail(WITH_CHANCE, wholeNumber(0, 2 ** 32 - 1), {
    help: 'Makes chance repeatable: the same seed gives the same sequence. Without it one is drawn, and told.',
    example: '42',
  }),
} as const satisfies Readonly<Record<Name, Control<never> | Control<unknown>>>

type Schema = typeof CONTROLS
type Value<C> = C extends { kind: Kind<infer T>; repeatable: infer R } ? (R extends true ? readonly T[] : T) : never

/** What was asked for, by name. */
export type Controls = { readonly [N in keyof Schema]?: Value<Schema[N]> }

/** All of them in the schema's order, each looked at for its own sake. */
export const CONTROL_ENTRIES = Object.entries(CONTROLS) as unknown as readonly (readonly [Name, Control<unknown>])[]
