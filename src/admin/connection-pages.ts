// Connection reports as plain pages: no script, nothing loaded.

import { createHash } from 'node:crypto'
import type { ConnectionReport, DirectionReport, RefusalReport, ReportCounts, WireEvent } from '../report/report.js'
import { Html, html } from './html.js'
import type { ConnectionList } from './view.js'

const STYLE = `
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 68rem; padding: 0 1rem; color: #1d2530; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; border-bottom: 1px solid #cdd5df; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2rem .9rem .2rem 0; vertical-align: top; }
th { font-weight: 600; color: #516073; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre, code { font: 13px/1.4 ui-monospace, monospace; } pre { background: #f4f6f9; padding: .7rem; overflow-x: auto; }
.good { color: #17683c; } .bad { color: #a4262c; } .hex { word-break: break-all; }
`

/** For the style-src directive: the only thing that the pages need to be allowed. */
export const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`

function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<h1>${title}</h1>
${body}
</body>
</html>
`.text
}

/** The beginning of a sentence: `worker 1 does not answer`, `workers 1 and 2 do not answer`. */
export function workersDoNotAnswer(workers: readonly number[]): string {
  const [last, ...others] = [...workers].reverse()
  return others.length === 0
    ? `worker ${last} does not answer`
    : `workers ${others.reverse().join(', ')} and ${last} do not answer`
}

/** @param next query of the page that follows; undefined where none does */
export function renderList({ connections, unasked, kept, evicted }: ConnectionList, next: string | undefined): string {
  const rows = connections.map(
    ({ id, worker, state, openedAt, duration, peer, path, userAgent, clean, error, code }) => html`<tr>
<td><a href="/connections/${id}">${id}</a></td><td>${worker}</td><td>${state}</td><td>${peer}</td><td>${path}</td>
<td>${cleanliness(clean, state)}</td><td class="number">${code}</td><td>${error}</td><td>${openedAt}</td>
<td class="number">${duration}</td><td>${userAgent}</td></tr>
`,
  )
  const head = html`<tr><th>id</th><th>worker</th><th>state</th><th>peer</th><th>path</th><th>closing</th><th>code</th><th>error</th><th>opened</th><th>duration, ms</th><th>user agent</th></tr>`
  const missing = unasked.length > 0 && html`<p class="bad">Some are missing: ${workersDoNotAnswer(unasked)}.</p>`
  const more = next !== undefined && html`<p><a href="/connections?${next}">The next page</a></p>`
  return page(
    'Connections',
    html`<p>${connections.length} shown. ${countsSentence({ kept, evicted })}</p>${missing || ''}<table>${head}${rows}</table>${more || ''}`,
  )
}

function countsSentence({ kept, evicted }: ReportCounts): string {
  const { open, closed, failed, refused } = kept
  const gone = evicted.closed + evicted.failed + evicted.refused
  const all = `Known are ${open} open, ${closed} cleanly closed, ${failed} failed, ${refused} refused ones`
  if (gone === 0) return `${all}.`
  return `${all}; ${evicted.closed} closed, ${evicted.failed} failed and ${evicted.refused} refused ones had to make room.`
}

export function renderReport(report: ConnectionReport | RefusalReport): string {
  return report.state === 'refused' ? refusalPage(report) : connectionPage(report)
}

function refusalPage(report: RefusalReport): string {
  const { id, worker, state, openedAt, transport, handshake, refusal } = report
  return page(
    `Connection ${id}`,
    html`<p><a href="/connections">All connections</a></p>
${pairs({ state, worker, ...peerAndProxy(report), transport, refused: openedAt, reason: refusal.reason, status: refusal.status })}
<p class="bad">${refusal.sentence}</p>
${headsSection(handshake)}`,
  )
}

function connectionPage(report: ConnectionReport): string {
  const { id, worker, state, openedAt, duration, transport } = report
  return page(
    `Connection ${id}`,
    html`<p><a href="/connections">All connections</a></p>
${pairs({ state, worker, ...peerAndProxy(report), transport, opened: openedAt, 'duration, ms': duration })}
${handshakeSection(report)}
${closingSection(report)}
${controlsSection(report)}
${timeSection(report)}
<h2>Frames and messages</h2>
${framesTable(report.received, report.sent)}
<h2>Octets received</h2>
${chopsTable(report.received)}
<h2>Octets sent</h2>
${chopsTable(report.sent)}
<h2>Wire log</h2>
${logTable(report.log)}`,
  )
}

function peerAndProxy({ peer, proxy, addressSource }: ConnectionReport | RefusalReport): Record<string, string> {
  return proxy === null ? { peer } : { peer, 'as told by': `${proxy} (${addressSource})` }
}

function handshakeSection({ handshake }: ConnectionReport): Html {
  const { extensions, subprotocol } = handshake
  return html`${headsSection(handshake)}
${pairs({ extensions, subprotocol })}`
}

function headsSection({ request, requestCut, response }: RefusalReport['handshake']): Html {
  return html`<h2>Opening handshake</h2>
<pre>${request.replaceAll('\r\n', '\n')}${requestCut ? '…' : ''}</pre>
${requestCut ? html`<p>There was more; the request is cut here.</p>` : ''}
<pre>${response.replaceAll('\r\n', '\n')}</pre>`
}

function closingSection({ clean, state, closing, error }: ConnectionReport): Html {
  const { initiator, received, sent, droppedBy, uncleanReason, errorMeaning } = closing
  return html`<h2>Closing</h2>
<p>${cleanliness(clean, state)}${uncleanReason === null ? '' : html`: ${uncleanReason}`}</p>
${pairs({
  'first Close from': initiator,
  'Close received': received && `${received.code} ${received.reason}`,
  'Close sent': sent && `${sent.code} ${sent.reason}`,
  'TCP ended by': droppedBy,
  'protocol error': error && `${error}: ${errorMeaning}`,
})}`
}

function timeSection({ time, slowestEcho, pings }: ConnectionReport): Html {
  const { server, worked, client, unread, paused } = time
  const pauses = Object.entries(paused).filter(([, milliseconds]) => milliseconds > 0)
  return html`<h2>Where the time went, in ms</h2>
${pairs({
  'the server’s': `${server}, at work for ${worked} of it`,
  'the client’s': `${client}`,
  'octets left unread by the client': unread,
  'not read by the server': pauses.map(([reason, milliseconds]) => `${milliseconds} (${reason})`).join(', ') || 0,
  'slowest echo': slowestEcho && `${slowestEcho.duration}, written at ${slowestEcho.at}`,
  pings: pings && `${pings.answered} answered, after ${pings.least} to ${pings.most}, ${pings.mean} on average`,
})}`
}

function controlsSection({ controls }: ConnectionReport): Html {
  if (controls === null) return html``
  const { judgement, events, uses } = controls
  const verdict = judgement?.right === null || judgement === null ? '' : judgement.right ? 'right' : 'wrong'
  const rows = events.map(
    ({ at, control, what }) => html`<tr><td class="number">${at}</td><td>${control}</td><td>${what}</td></tr>`,
  )
  return html`<h2>Test controls</h2>
${pairs({
  'in force': controls.controls,
  'asked for by': controls.from,
  uses: Object.entries(uses)
    .map(([control, count]) => `${control} ${count}`)
    .join(', '),
  violation: judgement && `${judgement.violation}: a client ${judgement.duty} (${judgement.source})`,
  client: judgement && `${judgement.client} ${verdict}`,
})}
<table><tr><th>ms</th><th>control</th><th></th></tr>${rows}</table>`
}

function cleanliness(clean: boolean | null, state: string): Html {
  if (clean === null) return html`${state}`
  return clean ? html`<span class="good">clean</span>` : html`<span class="bad">unclean</span>`
}

function pairs(values: Record<string, unknown>): Html {
  return html`<table>${Object.entries(values).map(([name, value]) => html`<tr><th>${name}</th><td>${value}</td></tr>`)}</table>`
}

function framesTable(received: DirectionReport, sent: DirectionReport): Html {
  const number = (value: number): Html => html`<td class="number">${value}</td>`
  const row = (name: string, values: number[]): Html => html`<tr><th>${name}</th>${values.map(number)}</tr>`
  const head = html`<tr><th></th><th>received</th><th>octets</th><th>sent</th><th>octets</th></tr>`
  const opcodes = Object.keys(received.frames) as (keyof DirectionReport['frames'])[]
  const frames = opcodes.map(name =>
    row(`${name} frames`, [received.frames[name], received.payload[name], sent.frames[name], sent.payload[name]]),
  )
  const messages = (['text', 'binary'] as const).map(name =>
    row(`${name} messages`, [
      received.messages[name],
      received.messageOctets[name],
      sent.messages[name],
      sent.messageOctets[name],
    ]),
  )
  const ratio = ({ compressionRatio }: DirectionReport): string | null => compressionRatio?.toFixed(3) ?? null
  return html`<table>${head}${frames}${messages}</table>
${pairs({ 'compression ratio received': ratio(received), 'compression ratio sent': ratio(sent) })}`
}

function chopsTable({ octets, chops, otherChops }: DirectionReport): Html {
  const rows = chops.map(
    ({ size, count }) =>
      html`<tr><td class="number">${size}</td><td class="number">${count}</td><td class="number">${size * count}</td></tr>`,
  )
  const others =
    otherChops.count > 0 &&
    html`<tr><td>other sizes</td><td class="number">${otherChops.count}</td><td class="number">${otherChops.octets}</td></tr>`
  return html`<p>${octets} octets in all, the handshake included.</p>
<table><tr><th>size</th><th>count</th><th>octets</th></tr>${rows}${others || ''}</table>`
}

function logTable(log: readonly WireEvent[]): Html {
  const rows = log.map(
    event =>
      html`<tr><td class="number">${event.at}</td><td>${event.event}</td><td class="hex">${details(event)}</td></tr>`,
  )
  return html`<table><tr><th>ms</th><th>event</th><th></th></tr>${rows}</table>`
}

function details(event: WireEvent): Html {
  if ('hex' in event)
    return html`${event.length} octets <code>${event.hex}${event.length > event.hex.length / 2 ? '…' : ''}</code>`
  if ('opcode' in event) {
    const { opcode, fin, rsv, length, mask } = event
    return html`opcode ${opcode}, fin ${fin}, rsv ${rsv}, length ${length}, mask ${mask}`
  }
  if ('events' in event)
    return html`${event.events} reads, writes and Closes are missing here; what follows is without frames`
  return html`${event.code} ${event.reason}`
}
