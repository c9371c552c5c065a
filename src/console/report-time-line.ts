// The wire log as a time line: what came from the client on the left, what went to it on the right.

import type { WireEvent } from './answers.js'
import { type Child, make } from './dom.js'
import { closeCode, counted, duration, octets } from './format.js'
import { hexDump, parseHex } from './hex.js'

/** RFC 6455 section 5.2. */
const OPCODES: Readonly<Record<number, string>> = {
  0: 'continuation',
  1: 'text',
  2: 'binary',
  8: 'close',
  9: 'ping',
  10: 'pong',
}
/** Octets on a line: two lanes have to find room. */
const HEX_WIDTH = 8

export function timeLine(log: readonly WireEvent[], cut: boolean): HTMLElement {
  return make(
    'section',
    {},
    make('h2', {}, 'On the wire'),
    make(
      'p',
      { class: 'soft' },
      'From the client on the left, to the client on the right; times after the handshake.',
      cut && ' The first and the last events are kept, and of reads or writes of one size in a row the first.',
    ),
    log.length === 0
      ? make('p', {}, 'Nothing came or went after the handshake.')
      : make('ol', { class: 'lanes', 'aria-label': 'Events on the wire' }, log.map(item)),
  )
}

function item(event: WireEvent): HTMLElement {
  if (event.event === 'gap')
    return make('li', {}, make('div', { class: 'event gap' }, `${counted(event.events, 'event')} not kept`))
  const received = event.event.endsWith('received')
  const what = event.event.split(' ')[0]
  return make(
    'li',
    {},
    make('div', { class: 'when' }, `${received ? '→' : '←'} ${duration(event.at)}`),
    make(
      'div',
      { class: `event ${received ? 'received' : 'sent'} ${what}` },
      make('span', { class: 'hidden-label' }, received ? 'from the client: ' : 'to the client: '),
      content(event),
    ),
  )
}

function content(event: Exclude<WireEvent, { event: 'gap' }>): Child[] {
  if ('hex' in event) {
    const known = parseHex(event.hex) ?? new Uint8Array()
    const more = event.length - known.length
    return [
      make(
        'span',
        { class: 'soft' },
        `${event.event.startsWith('octets received') ? 'read' : 'write'} of ${octets(event.length)}`,
      ),
      make(
        'pre',
        { class: 'hex', tabindex: 0, role: 'group', 'aria-label': 'Octets' },
        hexDump(known, HEX_WIDTH) + (more > 0 ? `\n… ${more} more` : ''),
      ),
    ]
  }
  if ('opcode' in event) return frame(event)
  return [make('b', {}, 'Close '), closeCode(event.code), event.reason !== '' && `: ${event.reason}`]
}

function frame({ opcode, fin, rsv, length, mask }: Extract<WireEvent, { opcode: number }>): Child[] {
  const name = OPCODES[opcode] ?? `reserved opcode ${opcode}`
  const bits = [1, 2, 3].filter(bit => rsv & (4 >> (bit - 1))).map(bit => `RSV${bit}`)
  const details = [
    fin ? 'FIN' : 'no FIN',
    bits.includes('RSV1') && bits.length === 1 ? 'RSV1 (compressed)' : bits.join(' '),
    mask === null ? 'unmasked' : `mask ${mask}`,
  ].filter(text => text !== '')
  return [make('b', {}, `${name} frame`), ` ${octets(length)} `, make('span', { class: 'soft' }, details.join(' · '))]
}
