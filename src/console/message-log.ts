// The playground's log: what went out and came back, with times, and what became of it in all.

import { make, setText } from './dom.js'
import type { ReceivedMessage, SentMessage } from './echo-client.js'
import { clock, counted, duration, exact, octets as sizeOf } from './format.js'
import { hexOf } from './hex.js'
import { save } from './session.js'

/** Lines that are kept; older ones make room. */
const MOST_LINES = 500
/** Octets of a message that a line shows. */
const SHOWN = 120

interface Line {
  readonly time: string
  readonly direction: 'sent' | 'received' | 'note'
  readonly type?: 'text' | 'binary'
  readonly octets?: number
  readonly beginning?: string
  readonly roundTripMilliseconds?: number
  readonly verdict: string
}

const ARROWS = { sent: '↑', received: '↓', note: '·' } as const

export class MessageLog {
  readonly element: HTMLElement
  readonly #list = make('ol', { class: 'log', id: 'log', tabindex: 0, 'aria-label': 'Log' })
  readonly #summary = make('p', { id: 'sums', role: 'status' })
  #lines: Line[] = []
  readonly #roundTrips: number[] = []
  #sent = 0
  #same = 0
  #different = 0
  #unasked = 0
  #frame = 0

  constructor() {
    this.element = make(
      'section',
      {},
      make(
        'div',
        { class: 'bar' },
        make('h2', {}, 'Log'),
        make('button', { type: 'button', id: 'export', onclick: () => this.#export() }, 'Export as JSON'),
        make('button', { type: 'button', onclick: () => this.#clear() }, 'Clear'),
      ),
      this.#summary,
      this.#list,
    )
    this.#draw()
  }

  note(text: string, tone: string): void {
    this.#add({ time: now(), direction: 'note', verdict: text }, tone)
  }

  sent({ number, isText, octets }: SentMessage): void {
    this.#sent++
    this.#add({ ...describe(isText, octets), direction: 'sent', verdict: `message ${number}` }, '')
  }

  received({ isText, octets, match, roundTrip }: ReceivedMessage): void {
    const line = { ...describe(isText, octets), direction: 'received' as const }
    if (roundTrip === undefined || match.kind === 'unasked') {
      this.#unasked++
      this.#add({ ...line, verdict: 'no echo: the service sent it by itself' }, 'warn')
      return
    }
    this.#roundTrips.push(roundTrip)
    const { number } = match.of
    const measured = { ...line, roundTripMilliseconds: roundTrip }
    if (match.kind === 'same') {
      this.#same++
      const order = match.early ? ', before the echo of an earlier one' : ''
      this.#add({ ...measured, verdict: `the same as message ${number}${order}` }, match.early ? 'warn' : 'good')
    } else {
      this.#different++
      const what = match.otherType ? 'of another type' : `from octet ${exact(match.at)} on`
      this.#add({ ...measured, verdict: `different from message ${number}, ${what}` }, 'bad')
    }
  }

  unanswered(count: number): void {
    if (count > 0) this.note(`${counted(count, 'message')} got no echo`, 'bad')
  }

  #add(line: Line, tone: string): void {
    this.#lines.push(line)
    this.#list.append(itemOf(line, tone))
    if (this.#lines.length > MOST_LINES) {
      this.#lines.shift()
      this.#list.firstElementChild?.remove()
    }
    this.#frame ||= requestAnimationFrame(() => this.#draw())
  }

  #draw(): void {
    this.#frame = 0
    this.#list.scrollTop = this.#list.scrollHeight
    const times = this.#roundTrips.toSorted((a, b) => a - b)
    const at = (share: number) => duration(times[Math.min(times.length - 1, Math.floor(share * times.length))])
    const trips = times.length === 0 ? '' : ` Round trips: ${at(0)} to ${at(1)}, median ${at(0.5)}, p99 ${at(0.99)}.`
    const others = [
      this.#different > 0 && `${exact(this.#different)} different`,
      this.#unasked > 0 && `${exact(this.#unasked)} of the service’s own`,
    ].filter(Boolean)
    setText(
      this.#summary,
      `${exact(this.#sent)} sent, ${exact(this.#same)} came back the same${others.map(text => `, ${text}`).join('')}.${trips}`,
    )
  }

  #export(): void {
    save('echobahn-playground.json', JSON.stringify(this.#lines, null, 2))
  }

  #clear(): void {
    this.#lines = []
    this.#roundTrips.length = 0
    this.#sent = this.#same = this.#different = this.#unasked = 0
    this.#list.replaceChildren()
    this.#draw()
  }
}

function now(): string {
  return new Date().toISOString()
}

function describe(isText: boolean, octets: Uint8Array) {
  const shown = octets.subarray(0, SHOWN)
  const text = isText ? new TextDecoder().decode(shown) : Array.from(shown, hexOf).join(' ')
  const beginning = octets.length > SHOWN ? `${text}…` : text
  return { time: now(), type: isText ? ('text' as const) : ('binary' as const), octets: octets.length, beginning }
}

function itemOf(
  { time, direction, type, octets, beginning, roundTripMilliseconds, verdict }: Line,
  tone: string,
): HTMLElement {
  const trip = roundTripMilliseconds === undefined ? '' : `, round trip ${duration(roundTripMilliseconds)}`
  return make(
    'li',
    {},
    make('time', { class: 'soft', datetime: time }, clock(Date.parse(time), true)),
    make('span', { role: 'img', 'aria-label': direction }, ARROWS[direction]),
    make(
      'div',
      { class: 'content' },
      type !== undefined && make('span', {}, `${type}, ${sizeOf(octets ?? 0)} `),
      make('span', { class: tone || 'soft' }, verdict + trip),
      beginning !== undefined && beginning !== '' && make('div', { class: 'mono' }, beginning),
    ),
  )
}
