// One connection, or one refused handshake, drawn for people.

import type { Direction, Refused, Report } from './answers.js'
import { type Child, fill, make, pairs, table } from './dom.js'
import { closeCode, dateTime, duration, exact, octets, percent } from './format.js'
import { timeLine } from './report-time-line.js'
import { timeSplit } from './report-time-split.js'
import { ask, Refusal, save } from './session.js'
import type { View } from './view.js'

/** Milliseconds between two looks at a connection that is open. */
const INTERVAL = 2000

export function report(id: number): View {
  const content = make('div', {}, make('p', { class: 'soft' }, 'Loading…'))
  const element = make('div', {}, make('p', {}, make('a', { href: '#/connections' }, '← All connections')), content)
  let timer = 0
  let left = false

  async function draw(): Promise<void> {
    try {
      const told = await ask<Report | Refused>(`connections/${id}`)
      if (left) return
      const text = JSON.stringify(told, null, 2)
      // Nothing is taken away from whoever marks it, or has the focus there.
      const inUse = content.contains(document.activeElement) || getSelection()?.isCollapsed === false
      if (!inUse) fill(content, told.state === 'refused' ? refused(told, text) : connection(told, text))
      if (told.state === 'open') timer = setTimeout(draw, INTERVAL)
    } catch (error) {
      if (left) return
      const { message, status } = error as Refusal
      const gone = error instanceof Refusal && status === 404
      fill(content, make('h1', {}, `Connection ${id}`), make('p', { class: 'bad', role: 'alert' }, message))
      if (!gone) timer = setTimeout(draw, INTERVAL)
    }
  }
  return {
    title: `Connection ${id}`,
    element,
    shown: () => void draw(),
    leave: () => {
      left = true
      clearTimeout(timer)
    },
  }
}

function heading(id: number, state: Child, json: string): HTMLElement {
  const name = `connection-${id}.json`
  const link = make(
    'a',
    {
      href: `connections/${id}`,
      download: name,
      id: 'json',
      onclick: event => {
        // A link by itself would carry no token.
        event.preventDefault()
        save(name, json)
      },
    },
    'Download its JSON',
  )
  return make('div', { class: 'bar' }, make('h1', {}, `Connection ${id} `, state), link)
}

function refused(told: Refused, json: string): Child[] {
  const { id, worker, openedAt, peer, transport, path, query, userAgent, refusal, handshake } = told
  return [
    heading(id, make('span', { class: 'bad' }, 'refused'), json),
    make(
      'section',
      {},
      make('h2', {}, 'Why'),
      make('p', { class: 'bad' }, refusal.sentence || 'The client got no answer.'),
      pairs({
        Reason: refusal.reason,
        Status: refusal.status,
        When: dateTime(Date.parse(openedAt)),
        Peer: peer,
        Proxy: proxyOf(told),
        Path: path === null ? null : path + (query ? `?${query}` : ''),
        'User agent': userAgent,
        Transport: transport,
        Worker: worker,
      }),
    ),
    heads(handshake),
  ]
}

function connection(told: Report, json: string): Child[] {
  const { id, state, clean, received, sent } = told
  const badge =
    state === 'open'
      ? make('span', { class: 'good' }, 'open')
      : make('span', { class: clean ? 'good' : 'bad' }, clean ? 'closed cleanly' : 'not closed cleanly')
  return [
    heading(id, badge, json),
    make('div', { class: 'two' }, facts(told), closing(told)),
    timeSplit(told),
    controls(told),
    make('section', {}, make('h2', {}, 'Frames and messages'), traffic(received, sent)),
    timeLine(told.log, told.logCut),
    make('div', { class: 'two' }, chops('Reads', received), chops('Writes', sent)),
    heads(told.handshake),
  ]
}

/** The proxy that told of the peer, and how. */
function proxyOf({ proxy, addressSource }: Report | Refused): string | null {
  return proxy === null ? null : `${proxy}, by ${addressSource}`
}

function facts(told: Report): HTMLElement {
  const { worker, openedAt, duration: lasted, peer, transport, httpVersion, path, query, userAgent, handshake } = told
  return make(
    'section',
    {},
    make('h2', {}, 'Connection'),
    pairs({
      Opened: dateTime(Date.parse(openedAt)),
      Lasted: told.state === 'open' ? `${duration(lasted)} so far` : duration(lasted),
      Peer: peer,
      Proxy: proxyOf(told),
      Path: path + (query ? `?${query}` : ''),
      'User agent': userAgent,
      Transport: `${transport}, HTTP/${httpVersion}`,
      Extensions: handshake.extensions ?? 'none',
      Subprotocol: handshake.subprotocol ?? 'none',
      Worker: worker,
    }),
  )
}

function closing({ state, clean, closing: end, error, unsentOctets }: Report): HTMLElement {
  const close = (one: { code: number; reason: string } | null) =>
    one && `${closeCode(one.code)}${one.reason === '' ? '' : `: ${one.reason}`}`
  const nothing = state === 'open' && end.received === null && end.sent === null
  return make(
    'section',
    {},
    make('h2', {}, 'Closing'),
    nothing && make('p', { class: 'soft' }, 'It is open.'),
    clean === false && make('p', { class: 'bad' }, end.uncleanReason ?? 'not closed cleanly'),
    pairs({
      'Protocol error': error && make('span', { class: 'bad' }, `${error}: ${end.errorMeaning ?? ''}`),
      'First Close from': end.initiator,
      'Close received': close(end.received),
      'Close sent': close(end.sent),
      'TCP ended by': end.droppedBy,
      Unsent: unsentOctets > 0 && octets(unsentOctets),
    }),
  )
}

function controls({ controls: told }: Report): Child {
  if (told === null) return null
  const { judgement, events, uses } = told
  const verdict = judgement?.right === true ? ' – right' : judgement?.right === false ? ' – wrong' : ''
  const rows = events.map(({ at, control, what }) => [{ content: duration(at), number: true }, control, what])
  return make(
    'section',
    {},
    make('h2', {}, 'Test controls'),
    pairs({
      'In force': make('code', {}, told.controls),
      'Asked for by': told.from === 'url' ? 'the client’s URL' : 'the service’s default',
      Uses: Object.entries(uses)
        .map(([control, count]) => `${control} ${exact(count)}`)
        .join(', '),
      Violation: judgement && `${judgement.violation}: a client ${judgement.duty} (${judgement.source})`,
      'The client': judgement && judgement.client + verdict,
    }),
    rows.length > 0 && table('What the controls did', [{ name: 'after', number: true }, 'control', 'what'], rows),
  )
}

function traffic(received: Direction, sent: Direction): HTMLElement {
  const number = (value: number) => ({ content: exact(value), number: true })
  const line = (name: string, ...values: number[]) => [name, ...values.map(number)]
  const frames = Object.keys(received.frames)
    .filter(name => received.frames[name] + sent.frames[name] > 0)
    .map(name =>
      line(`${name} frames`, received.frames[name], received.payload[name], sent.frames[name], sent.payload[name]),
    )
  const messages = (['text', 'binary'] as const)
    .filter(name => received.messages[name] + sent.messages[name] > 0)
    .map(name =>
      line(
        `${name} messages`,
        received.messages[name],
        received.messageOctets[name],
        sent.messages[name],
        sent.messageOctets[name],
      ),
    )
  const wire = ['on the wire', '', number(received.octets), '', number(sent.octets)]
  const ratio = ({ compressionRatio }: Direction) => ({
    content: compressionRatio === null ? '–' : percent(compressionRatio),
    number: true,
  })
  const ratios = ['payload, of message octets', '', ratio(received), '', ratio(sent)]
  const headings = ['received', 'octets', 'sent', 'octets'].map(name => ({ name, number: true }) as const)
  return table('Frames and messages', ['', ...headings], [...frames, ...messages, wire, ratios])
}

function chops(name: string, { chops: sizes, otherChops }: Direction): HTMLElement {
  const rows = sizes.map(({ size, count }) =>
    [size, count, size * count].map(value => ({ content: exact(value), number: true })),
  )
  if (otherChops.count > 0)
    rows.push(
      ['other sizes', exact(otherChops.count), exact(otherChops.octets)].map(content => ({ content, number: true })),
    )
  const headings = ['octets', 'times', 'in all'].map(heading => ({ name: heading, number: true }) as const)
  return make(
    'section',
    {},
    make('h2', {}, `${name} by size`),
    rows.length === 0
      ? make('p', { class: 'soft' }, 'None after the handshake.')
      : table(`${name} by size`, headings, rows),
  )
}

function heads({ request, requestCut, response }: Refused['handshake']): HTMLElement {
  const block = (text: string, name: string) =>
    make('pre', { tabindex: 0, role: 'group', 'aria-label': name }, text.replaceAll('\r\n', '\n'))
  return make(
    'section',
    {},
    make('h2', {}, 'Opening handshake'),
    make('h3', {}, 'Request'),
    block(request, 'Request'),
    requestCut && make('p', { class: 'soft' }, 'There was more; the request is cut here.'),
    make('h3', {}, 'Response'),
    response === '' ? make('p', { class: 'soft' }, 'None was sent.') : block(response, 'Response'),
  )
}
