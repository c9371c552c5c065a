// What the playground sends: text, octets in hex, a file, or generated payloads, once or in a burst.

import { fill, make } from './dom.js'
import { octets as sizeOf } from './format.js'
import { parseHex } from './hex.js'
import { CONTENTS, type Content, generate } from './payloads.js'

/** Octets of a message, and of all messages of a burst together. */
const MOST_SIZE = 64 * 2 ** 20
const MOST_BURST = 256 * 2 ** 20
const MOST_COUNT = 10_000

export interface Sender {
  send(octets: Uint8Array<ArrayBuffer>, isText: boolean): void
  problem(text: string): void
}

const KINDS = ['Text', 'Hex', 'File', 'Generated'] as const
type Kind = (typeof KINDS)[number]

export function sendForm(sender: Sender): { readonly element: HTMLElement; enable(enabled: boolean): void } {
  let kind: Kind = 'Text'
  const text = make('textarea', { id: 'text' }, 'Hello, echo! Grüße, €, ✓')
  const hex = make('textarea', { id: 'hex', spellcheck: 'false' }, '00 01 02 fe ff')
  const file = make('input', { type: 'file', id: 'file' })
  const size = make('input', { type: 'number', id: 'size', min: 0, max: MOST_SIZE, value: 65_536 })
  const content = make(
    'select',
    { id: 'content' },
    CONTENTS.map(name => make('option', {}, name)),
  )
  const type = make('select', { id: 'type' }, make('option', {}, 'binary'), make('option', {}, 'text'))
  const count = make('input', { type: 'number', id: 'count', min: 1, max: MOST_COUNT, value: 1 })
  const send = make('button', { class: 'main', id: 'send' }, 'Send')
  const place = make('div')
  const labelled = (name: string, control: HTMLElement) =>
    make('label', {}, make('span', { class: 'name' }, name), control)
  const parts: Readonly<Record<Kind, () => HTMLElement>> = {
    Text: () => labelled('Text', text),
    Hex: () => labelled('Octets in hex, sent as a binary message', hex),
    File: () => labelled('File, sent as a binary message', file),
    Generated: () =>
      make('div', { class: 'fields' }, labelled('Octets', size), labelled('Content', content), labelled('Type', type)),
  }
  const choices = KINDS.map(name =>
    make('button', { type: 'button', onclick: () => choose(name), id: `kind-${name.toLowerCase()}` }, name),
  )
  const form = make(
    'form',
    { class: 'card', onsubmit: event => void onSend(event) },
    make('h2', {}, 'Send'),
    make('div', { class: 'choice', role: 'group', 'aria-label': 'What to send' }, choices),
    place,
    make('div', { class: 'fields' }, labelled('How many times', count)),
    send,
  )

  function choose(name: Kind): void {
    kind = name
    for (const [i, button] of choices.entries()) button.setAttribute('aria-pressed', String(KINDS[i] === kind))
    fill(place, parts[kind]())
  }

  async function onSend(event: Event): Promise<void> {
    event.preventDefault()
    const octets = await payload()
    if (typeof octets === 'string') return sender.problem(octets)
    const times = Math.min(MOST_COUNT, Math.max(1, Math.trunc(count.valueAsNumber || 1)))
    if (octets.length > MOST_SIZE || octets.length * times > MOST_BURST)
      return sender.problem(
        `Too much at once: up to ${sizeOf(MOST_SIZE)} in a message, and ${sizeOf(MOST_BURST)} in a burst.`,
      )
    const isText = kind === 'Text' || (kind === 'Generated' && type.value === 'text')
    for (let i = 0; i < times; i++) sender.send(octets, isText)
  }

  /** Octets, or why there are none. */
  async function payload(): Promise<Uint8Array<ArrayBuffer> | string> {
    if (kind === 'Text') return new TextEncoder().encode(text.value)
    if (kind === 'Hex') return parseHex(hex.value) ?? 'Not sent: the hex is no whole number of octets.'
    if (kind === 'Generated') {
      const octets = size.valueAsNumber
      if (!(octets >= 0 && octets <= MOST_SIZE)) return `Not sent: the size may be 0 to ${sizeOf(MOST_SIZE)}.`
      return generate(content.value as Content, Math.trunc(octets), type.value === 'text')
    }
    const [chosen] = file.files ?? []
    if (chosen === undefined) return 'Not sent: no file is chosen.'
    if (chosen.size > MOST_SIZE) return `Not sent: the file is larger than ${sizeOf(MOST_SIZE)}.`
    return new Uint8Array(await chosen.arrayBuffer())
  }

  choose(kind)
  return {
    element: form,
    enable: enabled => {
      send.disabled = !enabled
      send.textContent = enabled ? 'Send' : 'Send (connect first)'
    },
  }
}
