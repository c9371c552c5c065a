// Results: histograms, sums, merging, bounds, and the forms they are written in.

import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { LimitSearch } from '../../../src/load/find-limit.js'
import { renderHtml } from '../../../src/load/html-report.js'
import { addSparse, decode, eachLatency, encode, makeHistogram, percentile } from '../../../src/load/latencies.js'
import { readOrders } from '../../../src/load/orders.js'
import { mergeOutcomes, type Outcome, sumThreads } from '../../../src/load/outcome.js'
import { parseOutcome, readOutcome, renderOutcome } from '../../../src/load/outcome-file.js'
import { Recorder } from '../../../src/load/recorder.js'
import { renderCsv, renderHgrm } from '../../../src/load/tables.js'
import { makeCounts, Tally } from '../../../src/load/tally.js'
import { rowsOf } from '../../../src/load/text-histogram.js'
import { renderText } from '../../../src/load/text-report.js'
import { exitCode, judge } from '../../../src/load/thresholds.js'
import { makeTraffic } from '../../../src/load/traffic.js'
import type { Threshold } from '../../../src/load-settings.js'

function histogramOf(...milliseconds: number[]) {
  const recorder = new Recorder()
  for (const value of milliseconds) recorder.record(value)
  const histogram = makeHistogram()
  addSparse(histogram, recorder.sparse())
  return histogram
}

/** Results with these echo latencies, in milliseconds. */
function outcomeOf(echoes: readonly number[], change: (outcome: Outcome) => void = () => {}): Outcome {
  const echo = histogramOf(...echoes)
  const counts = makeCounts()
  Object.assign(counts.messages, { due: echoes.length, sent: echoes.length, echoed: echoes.length })
  Object.assign(counts.connections, { attempted: 2, opened: 2, ended: 2 })
  const outcome: Outcome = {
    descriptions: ['a load of <b>'],
    ...{ loop: 'open', startedAt: 1_700_000_000_000, seconds: 2, asked: 10, counts, traffic: makeTraffic() },
    latencies: eachLatency(name => (name === 'echo' ? echo : makeHistogram())),
    timeline: [{ at: 1_700_000_000, due: 5, sent: 4, echoed: 3, faults: 1, open: 2, echo }],
    slowest: [{ key: 'k', due: 1, sent: 2, back: 10 }],
    effort: { cpu: 1, threads: 1, busiest: 0.5, memory: 1e8 },
    notes: ['a note & more'],
    comparison: undefined,
  }
  change(outcome)
  return outcome
}

const anyLatency = fc.double({ min: 0, max: 4_000_000, noNaN: true })

test('the recorder has the buckets of an HDR histogram', () => {
  fc.assert(
    fc.property(fc.array(anyLatency, { minLength: 1 }), values => {
      const hdr = makeHistogram()
      for (const value of values) hdr.recordValue(Math.min(3_600_000_000, Math.floor(value * 1000 + 0.5)))
      const own = histogramOf(...values)
      assert.equal(own.totalCount, values.length)
      for (const at of [0, 10, 50, 90, 99, 100]) assert.equal(percentile(own, at), percentile(hdr, at))
      assert.equal(encode(own), encode(hdr))
    }),
  )
})

test('less than nothing is nothing', () => assert.deepEqual(sparseOf(-5), [0, 1]))

function sparseOf(value: number): number[] {
  const recorder = new Recorder()
  recorder.record(value)
  return recorder.sparse()
}

test('an interval is what came since the last', () => {
  const recorder = new Recorder()
  recorder.record(1)
  recorder.record(1)
  assert.deepEqual(recorder.takeInterval(), [1000, 2])
  assert.deepEqual(recorder.takeInterval(), [])
  recorder.record(1)
  recorder.record(2)
  assert.deepEqual(recorder.takeInterval(), [1000, 1, 2000, 1])
  assert.deepEqual(recorder.sparse(), [1000, 3, 2000, 1])
})

test('histograms survive being text', () => {
  const histogram = histogramOf(0, 0.5, 1, 20, 3000, 3_600_000)
  const again = decode(encode(histogram))
  assert.equal(encode(again), encode(histogram))
  assert.equal(again.totalCount, 6)
})

test('threads add up', () => {
  const results = [1, 2].map(thread => {
    const tally = new Tally()
    tally.counts.messages.sent = 10 * thread
    tally.counts.closes['1000 client'] = thread
    if (thread === 2) tally.counts.closes['4000 server'] = 7
    tally.counts.faults.lost = thread
    tally.traffic[3] = thread
    tally.latencies.echo.record(thread)
    tally.echoed(0, 0, 5 * thread, `key ${thread}`)
    const { counts, traffic, latencies } = tally
    return {
      ...{ counts, traffic, books: [], seconds: 1, busy: 0.1, slowest: tally.slowest() },
      latencies: eachLatency(name => latencies[name].sparse()),
    }
  })
  const { counts, traffic, latencies, slowest } = sumThreads(results)
  assert.equal(counts.messages.sent, 30)
  assert.equal(counts.faults.lost, 3)
  assert.deepEqual(counts.closes, { '1000 client': 3, '4000 server': 7 })
  assert.equal(traffic[3], 3)
  assert.equal(latencies.echo.totalCount, 4)
  assert.deepEqual(
    slowest.map(({ key }) => key),
    ['key 2', 'key 1'],
  )
})

test('of many slow messages the slowest are kept', () => {
  const tally = new Tally()
  for (let i = 0; i < 1000; i++) tally.echoed(0, 0, (i * 7919) % 1000, String((i * 7919) % 1000))
  assert.deepEqual(
    tally.slowest().map(({ key }) => Number(key)),
    [999, 998, 997, 996, 995, 994, 993, 992, 991, 990],
  )
})

test('merged results are those of one load that had made all of it', () => {
  fc.assert(
    fc.property(fc.array(anyLatency), fc.array(anyLatency), (one, other) => {
      const files = [one, other].map(echoes => parseOutcome(renderOutcome(outcomeOf(echoes))))
      const merged = mergeOutcomes(files)
      const whole = outcomeOf([...one, ...other])
      assert.equal(encode(merged.latencies.echo), encode(whole.latencies.echo))
      assert.equal(encode(merged.timeline[0].echo), encode(whole.timeline[0].echo))
      assert.deepEqual(merged.counts.messages, whole.counts.messages)
    }),
    { numRuns: 20 },
  )
})

test('merging adds rates and connections, spans the time, and keeps seconds apart', () => {
  const early = outcomeOf([1])
  const late = outcomeOf([2], outcome => {
    Object.assign(outcome, { startedAt: 1_700_000_003_000, seconds: 4, loop: 'closed' })
    Object.assign(outcome.timeline[0], { at: 1_700_000_003 })
    outcome.traffic[0] = 5
  })
  const merged = mergeOutcomes([late, early, early])
  assert.equal(merged.startedAt, 1_700_000_000_000)
  assert.equal(merged.seconds, 7)
  assert.equal(merged.asked, 30)
  assert.equal(merged.loop, 'both')
  assert.equal(merged.counts.connections.opened, 6)
  assert.equal(merged.traffic[0], 5)
  assert.deepEqual(
    merged.timeline.map(({ at, due, open }) => [at, due, open]),
    [
      [1_700_000_000, 10, 4],
      [1_700_000_003, 5, 2],
    ],
  )
  assert.deepEqual([merged.effort.cpu, merged.effort.threads, merged.descriptions.length], [3, 3, 3])
  // What went in is as it was.
  assert.equal(early.timeline[0].due, 5)
  assert.equal(early.counts.messages.due, 1)
})

test('a file that is no result is refused in one line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'echobahn-load-'))
  for (const [name, text] of Object.entries({ empty: '', json: '{}', other: '{"format":"echobahn-load-2"}' })) {
    const file = join(folder, name)
    writeFileSync(file, text)
    assert.throws(() => readOutcome(file), {
      code: 'ECHOBAHN_BAD_OPTION',
      message: /allowed are files that load --json wrote$/,
    })
  }
  assert.throws(() => readOutcome(join(folder, 'none')), { message: /none: ENOENT; allowed/ })
})

function bound(kind: Threshold['kind'], statistic: Threshold['statistic'], most: number): Threshold {
  return { text: 'x', kind, statistic, most }
}

test('bounds of latencies hold up to their value', () => {
  const outcome = outcomeOf([1, 2, 3, 4, 100])
  const holds = (...thresholds: Threshold[]) => judge(thresholds, outcome).map(({ holds }) => holds)
  assert.deepEqual(
    holds(bound('echo', 80, 4.1), bound('echo', 80, 3.9), bound('echo', 100, 101), bound('echo', 100, 99)),
    [true, false, true, false],
  )
  assert.deepEqual(holds(bound('echo', 'mean', 22.1), bound('echo', 'mean', 21.9)), [true, false])
  assert.deepEqual(holds(bound('ping', 50, 1000)), [false])
})

test('the exit code: 0 if all is well, 1 for faults, 99 for bounds', () => {
  const faulty = (lost: number) => outcomeOf([1, 2], outcome => Object.assign(outcome.counts.faults, { lost }))
  const code = (outcome: Outcome, ...thresholds: Threshold[]) => exitCode(outcome, judge(thresholds, outcome))
  assert.equal(code(faulty(0)), 0)
  assert.equal(code(faulty(1)), 1)
  assert.equal(code(faulty(0), bound('echo', 99, 5)), 0)
  assert.equal(code(faulty(0), bound('echo', 99, 1)), 99)
  assert.equal(code(faulty(1), bound('echo', 99, 1)), 1)
  // Who bounds the errors allows some: of 4, two messages and two connections.
  assert.equal(code(faulty(1), bound('errors', 'count', 1)), 0)
  assert.equal(code(faulty(2), bound('errors', 'count', 1)), 99)
  assert.equal(code(faulty(1), bound('errors', 'share', 0.25)), 0)
  assert.equal(code(faulty(1), bound('errors', 'share', 0.24)), 99)
  const mismatches = { compared: 1, missing: 0, totals: '', mismatches: ['x'], blame: [] }
  assert.equal(code(outcomeOf([1], outcome => Object.assign(outcome, { comparison: mismatches }))), 1)
})

test('the search finds the limit from below and from above', () => {
  for (const limit of [3, 700, 1000, 12_345, 900_000]) {
    const search = new LimitSearch(1000)
    let trials = 0
    while (search.rate !== undefined && trials++ < 50) search.tell(search.rate <= limit)
    assert.ok(search.best <= limit && search.best >= limit / 1.07 - 1, `${search.best} of ${limit}`)
    assert.ok(trials <= 18, `${trials}`)
  }
  const hopeless = new LimitSearch(1000)
  let trials = 0
  for (; hopeless.rate !== undefined; trials++) hopeless.tell(false)
  assert.deepEqual([hopeless.best, trials < 10], [0, true])
})

test('CSV has a line a second, HdrHistogram its table', () => {
  const outcome = outcomeOf([10, 10, 10, 20])
  const [header, line, end] = renderCsv(outcome).split('\n')
  assert.equal(header.split(',').length, line.split(',').length)
  assert.match(line, /^2023-11-14T22:13:20.000Z,5,4,3,1,2,10\.00\d,20\.\d+,20\.\d+,20\.\d+,20\.\d+$/)
  assert.equal(end, '')
  assert.match(renderHgrm(outcome), /^ +Value +Percentile TotalCount 1\/\(1-Percentile\)\n\n +10\.0\d+ 0\.0+ +3 /)
})

test('rows of a histogram have every message in one', () => {
  fc.assert(
    fc.property(fc.array(anyLatency, { minLength: 1 }), values => {
      const rows = rowsOf(histogramOf(...values))
      assert.equal(
        rows.reduce((sum, { count }) => sum + count, 0),
        values.length,
      )
      for (const [i, { from, to }] of rows.entries()) assert.ok(from <= to && (i === 0 || from === rows[i - 1].to))
    }),
  )
  assert.deepEqual(rowsOf(makeHistogram()), [])
})

test('the text names what went wrong, and what was ordered', () => {
  const outcome = outcomeOf([1, 2], outcome => {
    outcome.counts.faults.outOfOrder = 3
    outcome.counts.ordered.lost = 4
    outcome.counts.handshakes['503'] = 5
    outcome.counts.closes['4001 server'] = 6
    outcome.counts.violations.ECHOBAHN_MASKED_FRAME = 7
  })
  const text = renderText(outcome, judge([bound('echo', 99, 1)], outcome))
  for (const words of [
    /errors: 3\n {2}out of order {2}3/,
    /ordered by the URL, no errors:\n {2}lost {2}4/,
    /handshake failed {2}503: 5/,
    /closed {12}4001 server: 6/,
    /violation {9}ECHOBAHN_MASKED_FRAME: 7/,
    /a note & more/,
    /EXCEEDED: x, is 2\.00 ms/,
    /rate {6}1 messages\/s of 10 asked for/,
  ])
    assert.match(text, words)
})

test('the HTML report is one file: nothing is loaded, and text is no markup', () => {
  const html = renderHtml(
    outcomeOf([1, 2, 3], outcome => Object.assign(outcome, { timeline: two(outcome) })),
    [],
  )
  assert.doesNotMatch(html, /<script|<link|src=|href=|url\(|<b>\s*<|NaN|Infinity|undefined/)
  assert.match(html, /a load of &lt;b&gt;/)
  assert.equal(html.match(/<svg /g)?.length, 5)
})

function two({ timeline: [second] }: Outcome) {
  return [second, { ...second, at: second.at + 1 }]
}

test('controls in the URL excuse what they cause, and nothing else', () => {
  const excused = (query: string) => [...readOrders(new URL(`ws://h/?${query}`)).excused].sort()
  assert.deepEqual(excused('a=b&drop=1&eb-unknown=1'), [])
  assert.deepEqual(excused('eb-drop=5%25'), ['lost', 'timeOuts'])
  assert.deepEqual(excused('eb-duplicate=5%25&eb-corrupt=1%25&eb-swap=5%25'), ['corrupted', 'duplicated', 'outOfOrder'])
  assert.deepEqual(excused('eb-reply=none'), ['lost', 'timeOuts'])
  assert.deepEqual(excused('eb-reply=echo'), [])
  assert.deepEqual(excused('eb-reply=sha256'), ['corrupted'])
  assert.deepEqual(excused('eb-status=503'), ['handshakes', 'lost', 'timeOuts'])
  assert.deepEqual(excused('eb-close=4001'), ['closes', 'lost', 'lostPings', 'resets', 'timeOuts'])
  const delayOf = (query: string) => readOrders(new URL(`ws://h/?${query}`)).delay
  assert.equal(delayOf('eb-delay=200ms&eb-jitter=1s'), 1200)
  assert.equal(delayOf('eb-pong=off&eb-delay=x'), 0)
})
