// Connect to the service from the page, send, and see what comes back.

import { hashOf, placeOf } from './address.js'
import type { ConnectionList, Report } from './answers.js'
import { ControlsForm } from './controls-form.js'
import { make, setText } from './dom.js'
import { EchoClient, type EchoEvents } from './echo-client.js'
import { closeCode, duration } from './format.js'
import type { LiveFeed } from './live-feed.js'
import { MessageLog } from './message-log.js'
import { sendForm } from './send-form.js'
import { ask } from './session.js'
import type { View } from './view.js'

/** Parameter by which the service's report of this connection is found: a browser tells no page the key of its handshake. */
const MARK = 'console'
/** Times that the report is looked for. */
const ATTEMPTS = 5
const ATTEMPT_PAUSE = 400

export function playground(feed: LiveFeed): View {
  const address = make('input', {
    name: 'url',
    required: true,
    autocomplete: 'off',
    spellcheck: 'false',
  })
  const subprotocol = make('input', {
    name: 'subprotocol',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'none; several with commas',
  })
  const connect = make('button', { class: 'main', id: 'connect' }, 'Connect')
  const disconnect = make('button', { type: 'button', disabled: true, onclick: () => client?.close() }, 'Close')
  const status = make('p', { role: 'status', id: 'state' }, 'Not connected.')
  const notice = make('p', { class: 'notice', hidden: true, role: 'alert' })
  const reportLink = make('p', { hidden: true })
  const log = new MessageLog()
  const controls = new ControlsForm(address)
  let client: EchoClient | undefined
  let mark = ''

  const sender = sendForm({
    send: (octets, isText) => client?.send(octets, isText),
    problem: text => log.note(text, 'bad'),
  })
  const form = make(
    'form',
    { class: 'card', onsubmit: onConnect },
    make('h2', {}, 'Connection'),
    make('label', {}, make('span', { class: 'name' }, 'Address, with path and query'), address),
    make('label', {}, make('span', { class: 'name' }, 'Subprotocols'), subprotocol),
    make('p'),
    notice,
    make('div', { class: 'bar' }, connect, disconnect),
    status,
    reportLink,
    controls.element,
  )
  const element = make(
    'div',
    {},
    make('div', { class: 'bar' }, make('h1', {}, 'Playground')),
    make('div', { class: 'two' }, make('div', {}, form), make('div', {}, sender.element, log.element)),
  )

  function onConnect(event: Event): void {
    event.preventDefault()
    client?.drop()
    // Of the connection before there is nothing to be found here any more.
    reportLink.replaceChildren()
    reportLink.hidden = true
    mark = Math.random().toString(36).slice(2, 8)
    const protocols = subprotocol.value
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== '')
    history.replaceState(
      null,
      '',
      hashOf('/playground', [
        ['url', address.value],
        ['subprotocol', subprotocol.value],
      ]),
    )
    try {
      client = new EchoClient(marked(address.value), protocols, events)
    } catch (error) {
      log.note((error as Error).message, 'bad')
      return
    }
    setText(status, 'Connecting…')
    log.note(`Connecting to ${address.value}`, '')
    disconnect.disabled = false
  }

  /** Where every parameter is a control, a further one would be refused. */
  function marked(text: string): URL {
    const url = new URL(text)
    if (feed.hello?.controls.prefix !== '') url.searchParams.append(MARK, mark)
    return url
  }

  const events: EchoEvents = {
    opened: ({ extensions, protocol }, milliseconds) => {
      const agreed = [extensions || 'no extension', protocol && `subprotocol ${protocol}`].filter(Boolean).join(', ')
      setText(status, `Connected: ${agreed}.`)
      status.className = 'good'
      log.note(`Open after ${duration(milliseconds)}: ${agreed}`, 'good')
      sender.enable(true)
      void findReport()
    },
    sent: message => log.sent(message),
    received: message => log.received(message),
    closed: ({ code, reason, wasClean }, wasOpen) => {
      disconnect.disabled = true
      sender.enable(false)
      const words = `${closeCode(code)}${reason === '' ? '' : `: ${reason}`}${wasClean ? '' : ', not clean'}`
      setText(status, wasOpen ? `Closed: ${words}.` : 'Not connected: the handshake did not succeed.')
      status.className = wasClean ? '' : 'bad'
      log.note(
        wasOpen ? `Closed: ${words}` : 'The handshake did not succeed; a browser does not say why.',
        wasClean ? '' : 'bad',
      )
      log.unanswered(client?.unanswered ?? 0)
      if (!wasOpen) void findReport()
    },
  }

  /** The service's own report of this connection, also of a handshake that it refused. */
  async function findReport(): Promise<void> {
    const wanted = mark
    const parameters = new URLSearchParams({ agent: navigator.userAgent, since: '1m', limit: '20' })
    for (let attempt = 0; attempt < ATTEMPTS && wanted === mark; attempt++) {
      const { connections } = await ask<ConnectionList>(`connections?${parameters}`).catch(() => ({ connections: [] }))
      for (const { id } of connections) {
        const told = await ask<Report>(`connections/${id}`).catch(() => undefined)
        if (wanted !== mark) return
        if (told !== undefined && new URLSearchParams(told.query ?? '').get(MARK) === wanted) return showReport(id)
      }
      await new Promise(resolve => setTimeout(resolve, ATTEMPT_PAUSE))
    }
  }

  function showReport(id: number): void {
    reportLink.replaceChildren(
      make('a', { href: `#/connections/${id}`, id: 'report' }, `The service’s own report of this connection (${id})`),
    )
    reportLink.hidden = false
  }

  function onHello(): void {
    const { hello } = feed
    if (hello === undefined) return
    const { port, secure, path, origins } = hello.service
    if (address.value === '') address.value = `${secure ? 'wss' : 'ws'}://${location.hostname}:${port}${path}`
    controls.begin(hello.controls)
    const isRefused = origins.length > 0 && !origins.includes(location.origin)
    notice.hidden = !isRefused
    if (isRefused)
      setText(
        notice,
        `The service refuses connections of this page: its option --origin allows ${origins.join(', ')} alone. To allow it, start the service with --origin ${location.origin} as well.`,
      )
  }

  /** What the address of the page has comes before what was there. */
  function onShown(): void {
    const place = placeOf(location.hash)
    if (place.view !== 'playground') return
    address.value = place.query.get('url') ?? address.value
    subprotocol.value = place.query.get('subprotocol') ?? subprotocol.value
    onHello()
  }

  feed.listen(what => {
    if (what === 'hello') onHello()
  })
  sender.enable(false)
  return {
    title: 'Playground',
    element,
    shown: onShown,
    leave: () => {},
  }
}
