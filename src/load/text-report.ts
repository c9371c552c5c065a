// The results as text for a terminal or a log: no colours, and no line longer than 100 columns but those of tables.

import { type Histogram, LATENCIES, type LatencyName, mean, percentile } from './latencies.js'
import { FAULTS, type Fault } from './orders.js'
import { faultsOf, type Outcome } from './outcome.js'
import { PERCENTILES } from './outcome-file.js'
import { renderBars } from './text-histogram.js'
import { type Judgement, measure } from './thresholds.js'
import { trafficReport } from './traffic.js'
import { amount, faultWords, octets, percent, time, wrap } from './words.js'

const LATENCY_TITLES: Readonly<Record<LatencyName, string>> = {
  handshake: 'handshakes',
  echo: 'echoes',
  ping: 'pings',
  waiting: 'waiting to be sent',
  lateness: "the schedule's lateness",
}

/** Blocks of lines, an empty line between them, without a final line feed. */
export function renderText(outcome: Outcome, judgements: readonly Judgement[]): string {
  const blocks = [
    outcome.descriptions.flatMap(line => wrap(line)),
    rateLines(outcome),
    latencyTable(outcome),
    echoBars(outcome),
    faultLines(outcome),
    connectionLines(outcome),
    comparisonLines(outcome),
    outcome.notes.flatMap(line => wrap(line)),
    judgementLines(judgements),
  ]
  return blocks
    .filter(lines => lines.length > 0)
    .map(lines => lines.join('\n'))
    .join('\n\n')
}

function rateLines(outcome: Outcome): string[] {
  const { counts, seconds, traffic, asked, effort } = outcome
  const { sent, received } = trafficReport(traffic)
  const perSecond = (value: number) => (seconds > 0 ? value / seconds : 0)
  const messageOctets = sent.messageOctets.text + sent.messageOctets.binary
  const messages = counts.messages.sent
  const cpu = messages > 0 ? `, ${amount((effort.cpu * 1e6) / messages)} µs a message` : ''
  return aligned([
    [
      'messages',
      `${amount(messages)} sent, ${amount(counts.messages.echoed)} echoed and verified, in ${time(seconds * 1000)}`,
    ],
    [
      'rate',
      `${amount(perSecond(counts.messages.echoed))} messages/s${asked > 0 ? ` of ${amount(asked)} asked for` : ''}`,
    ],
    [
      'octets',
      `${octets(perSecond(sent.octets))}/s sent, ${octets(perSecond(received.octets))}/s received, of messages ${octets(perSecond(messageOctets))}/s each way`,
    ],
    ...compressionLine('sent', sent),
    ...compressionLine('received', received),
    [
      'tool',
      `${percent(perSecond(effort.cpu))} of a core${cpu}, ${octets(effort.memory)} of memory at the most, busiest thread ${percent(effort.busiest)}`,
    ],
  ])
}

/** Data frames' payload on the wire beside the messages' own octets, where they differ. */
function compressionLine(
  direction: string,
  { payload, messageOctets }: ReturnType<typeof trafficReport>['sent'],
): string[][] {
  const wire = payload.text + payload.binary + payload.continuation
  const plain = messageOctets.text + messageOctets.binary
  if (wire === 0 || wire === plain) return []
  return [[`compression ${direction}`, `${percent(wire / plain)} of the octets are left`]]
}

function latencyTable({ latencies }: Outcome): string[] {
  const names = LATENCIES.filter(name => percentile(latencies[name], 100) > 0)
  if (names.length === 0) return []
  const header = ['latency', 'count', 'mean', ...PERCENTILES.map(at => `p${at}`), 'max']
  return columns([header, ...names.map(name => latencyRow(LATENCY_TITLES[name], latencies[name]))])
}

function latencyRow(title: string, histogram: Histogram): string[] {
  const at = [...PERCENTILES, 100].map(at => time(percentile(histogram, at)))
  return [title, amount(histogram.totalCount), time(mean(histogram)), ...at]
}

function echoBars({ latencies }: Outcome): string[] {
  return latencies.echo.totalCount === 0 ? [] : ['echoes by latency', ...renderBars(latencies.echo)]
}

function faultLines({ counts }: Outcome): string[] {
  const kinds = (faults: Readonly<Record<Fault, number>>) =>
    FAULTS.filter(fault => faults[fault] > 0).map(fault => [faultWords(fault), amount(faults[fault])])
  const ordered = kinds(counts.ordered)
  const sum = faultsOf(counts)
  return [
    sum === 0 ? 'errors: none' : `errors: ${amount(sum)}`,
    ...aligned(kinds(counts.faults)),
    ...(ordered.length === 0 ? [] : ['ordered by the URL, no errors:', ...aligned(ordered)]),
  ]
}

function connectionLines({ counts }: Outcome): string[] {
  const { attempted, opened } = counts.connections
  const list = (title: string, what: Readonly<Record<string, number>>) =>
    Object.entries(what).map(([name, count]) => [title, `${name}: ${amount(count)}`])
  return [
    `connections: ${amount(opened)} opened of ${amount(attempted)} tried`,
    ...aligned([
      ...list('handshake failed', counts.handshakes),
      ...list('closed', counts.closes),
      ...list('violation', counts.violations),
    ]),
  ]
}

function comparisonLines({ comparison }: Outcome): string[] {
  if (comparison === undefined) return []
  const { compared, missing, totals, mismatches, blame } = comparison
  const gone = missing > 0 ? `, ${amount(missing)} more are no longer in its reports` : ''
  const result = mismatches.length === 0 ? 'agree to the message and the octet' : 'DO NOT AGREE'
  return [
    ...wrap(`the service's counts ${result}: ${amount(compared)} connections compared${gone}; totals ${totals}`, '  '),
    ...mismatches.map(line => `  ${line}`),
    ...blame.flatMap(line => wrap(line, '    ')),
  ]
}

function judgementLines(judgements: readonly Judgement[]): string[] {
  return judgements.map(({ threshold, actual, holds }) => {
    return `${holds ? 'holds' : 'EXCEEDED'}: ${threshold.text}, is ${measure(threshold, actual)}`
  })
}

/** Two columns, the first indented. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)
}

/** A table whose first column is flush left and the others flush right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)))
  return rows.map(row =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column] + 2))).join(''),
  )
}
