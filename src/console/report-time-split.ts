// The life of a connection: how much of it was the server's and the peer's, and how long it was not read and why.

import type { Report } from './answers.js'
import { type Child, make, table } from './dom.js'
import { afterHandshake, duration, percent } from './format.js'

const PAUSES: Readonly<Record<string, string>> = {
  memory: 'near the end of the memory budget',
  codec: 'the codec’s queue was full',
  high_water: 'octets had yet to be taken',
  closing: 'closing handshake',
  turn: 'its share of a turn was used up',
}

interface Part {
  readonly look: string
  readonly name: string
  readonly time: number
}

export function timeSplit({ time, duration: lasted, slowestEcho, pings }: Report): HTMLElement {
  const paused = Object.values(time.paused).reduce((sum, one) => sum + one, 0)
  const notes: Child[] = [
    `At work for ${duration(time.worked)} of the server’s time.`,
    time.unread > 0 && ` Octets waited ${duration(time.unread)} for the client to take them.`,
    slowestEcho !== null &&
      ` The slowest echo took ${duration(slowestEcho.duration)}, and was written ${afterHandshake(slowestEcho.at)}.`,
    pings !== null &&
      ` ${pings.answered} pings answered, after ${duration(pings.least)} to ${duration(pings.most)}, ${duration(pings.mean)} on average.`,
  ]
  const reasons = Object.entries(time.paused)
    .filter(([, milliseconds]) => milliseconds > 0)
    .map(([reason, milliseconds]) => `${duration(milliseconds)} ${PAUSES[reason] ?? reason}`)
  return make(
    'section',
    { class: 'time' },
    make('h2', {}, 'Whose time it was'),
    bar([
      { look: 'server', name: 'the server’s', time: time.server },
      { look: 'client', name: 'the client’s', time: time.client },
    ]),
    make('p', {}, notes),
    paused > 0 && make('h3', {}, 'Read, and not read'),
    paused > 0 &&
      bar([
        { look: 'read', name: 'read', time: Math.max(0, lasted - paused) },
        { look: 'paused', name: 'paused', time: paused },
      ]),
    paused > 0 && make('p', {}, `Paused: ${reasons.join(', ')}.`),
  )
}

function bar(parts: readonly Part[]): HTMLElement {
  const whole = parts.reduce((sum, { time }) => sum + time, 0) || 1
  const pieces = parts
    .filter(({ time }) => time > 0)
    .map(({ look, time }) => {
      const piece = make('i', { class: look })
      piece.style.width = `${(100 * time) / whole}%`
      return piece
    })
  const rows = parts.map(({ look, name, time }) => [
    make('span', {}, swatch(look), name),
    { content: duration(time), number: true },
    { content: percent(time / whole), number: true },
  ])
  const headings = ['whose', { name: 'time', number: true }, { name: 'share', number: true }] as const
  return make(
    'div',
    {},
    make('div', { class: 'split', 'aria-hidden': 'true' }, pieces),
    table('Shares of its life', headings, rows),
  )
}

function swatch(look: string): HTMLElement {
  return make('span', { class: 'split-key' }, make('i', { class: `swatch ${look}`, 'aria-hidden': 'true' }))
}
