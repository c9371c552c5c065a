// How numbers, the live line and the notes read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLoad } from '../../../src/cli/load-parse.js'
import type { LiveState } from '../../../src/load/conductor.js'
import { describeLoad } from '../../../src/load/description.js'
import { addSparse, eachLatency, makeHistogram } from '../../../src/load/latencies.js'
import { LiveLine } from '../../../src/load/live-line.js'
import { notesOn } from '../../../src/load/notes.js'
import type { Outcome } from '../../../src/load/outcome.js'
import { makeCounts } from '../../../src/load/tally.js'
import { makeTraffic } from '../../../src/load/traffic.js'
import { amount, octets, percent, time, wrap } from '../../../src/load/words.js'
import type { LoadSettings } from '../../../src/load-settings.js'

function settingsOf(...argv: string[]): LoadSettings {
  const command = parseLoad(['ws://127.0.0.1:8888/', ...argv])
  assert.ok(command.action === 'load')
  return command.settings
}

test('numbers', () => {
  assert.deepEqual([0, 7, 99.5, 1234.5, 1e6, Number.NaN].map(amount), ['0', '7', '99.5', '1,235', '1,000,000', '–'])
  assert.deepEqual([0, 0.0854, 1.2345, 250, 12_000].map(time), ['0 µs', '85 µs', '1.23 ms', '250 ms', '12.0 s'])
  assert.deepEqual([12, 1250, 5e9].map(octets), ['12 B', '1.25 kB', '5.00 GB'])
  assert.deepEqual([0, 0.0123, 1].map(percent), ['0 %', '1.23 %', '100 %'])
})

test('long lines are wrapped between words', () => {
  assert.deepEqual(wrap('  one two three four', '    ', 10), ['  one two', '    three', '    four'])
  assert.deepEqual(wrap('a-word-that-is-too-long b', '', 5), ['a-word-that-is-too-long', 'b'])
  assert.deepEqual(wrap('', '', 5), [''])
})

test('what a load is, in one sentence', () => {
  const describe = (...argv: string[]) => describeLoad(settingsOf(...argv))
  assert.equal(
    describe('--rate=1000..5000', '--steps=4', '--duration=30s', '--size=64:75%,1KiB..2KiB:25%', '--connections=10'),
    'open loop: 1,000 to 5,000 in 4 steps messages/s, constant arrivals, 30s, text of 64 (75 %), 1,024–2,048 (25 %) octets, 10 connections to ws://127.0.0.1:8888/',
  )
  assert.equal(
    describe(
      '--in-flight=8',
      '--think=5ms',
      '--messages=100',
      '--http2',
      '--churn=2',
      '--fragment=1KiB',
      '--compression=on',
    ),
    'closed loop: 8 in flight on each connection and 5ms between them, 100 messages, text of 64 octets, 1 connection to ws://127.0.0.1:8888/, 2 of them replaced each second, HTTP/2, offering "permessage-deflate; client_max_window_bits", frames of 1KiB at most',
  )
})

function stateOf(change: Partial<LiveState>): LiveState {
  return {
    ...{
      phase: 'running',
      startedAt: 1000,
      open: 5,
      flying: 7,
      busy: 0.5,
      lastSecond: undefined,
      echo: makeHistogram(),
    },
    ...{ counts: makeCounts(), traffic: makeTraffic() },
    ...change,
  }
}

test('the live line: progress by time or by messages, rate, latency, errors, connections', () => {
  const line = new LiveLine(settingsOf('--rate=100', '--duration=10s'), process.stderr)
  const counts = makeCounts()
  line.text(stateOf({ counts }), 1000)
  counts.messages.echoed = 500
  counts.faults.lost = 3
  const lastSecond = makeHistogram()
  addSparse(lastSecond, [1000, 99, 20_000, 1])
  assert.equal(
    line.text(stateOf({ counts, lastSecond }), 6000),
    '██████████░░░░░░░░░░ 5 s left · 100/s · in flight 7 · p50 1.00 ms p99 1.00 ms · errors 3 · connections 5',
  )
  assert.match(line.text(stateOf({ phase: 'draining' }), 6100), /^waiting for the last echoes · /)
  const byMessages = new LiveLine(settingsOf('--in-flight=1', '--messages=1000'), process.stderr)
  const some = makeCounts()
  some.messages.due = 250
  assert.match(byMessages.text(stateOf({ counts: some }), 2000), /^█████░{15} 3 s left/)
  assert.match(byMessages.text(stateOf({ phase: 'opening', startedAt: 0 }), 2000), /^opening connections · /)
})

function notesOf(settings: LoadSettings, change: (outcome: Outcome) => void, wasStopped = false): string {
  const counts = makeCounts()
  Object.assign(counts.messages, { due: 100, sent: 100, echoed: 100 })
  counts.connections.opened = 1
  const outcome: Outcome = {
    ...{
      descriptions: [],
      loop: settings.rate === undefined ? 'closed' : 'open',
      startedAt: 0,
      seconds: 1,
      asked: 100,
    },
    ...{ counts, traffic: makeTraffic(), latencies: eachLatency(() => makeHistogram()), timeline: [], slowest: [] },
    ...{ effort: { cpu: 0, threads: 1, busiest: 0.5, memory: 0 }, notes: [], comparison: undefined },
  }
  change(outcome)
  return notesOn(outcome, settings, wasStopped).join('\n')
}

test('notes: when the tool was the limit, when the server was, and what a closed loop is worth', () => {
  const open = settingsOf('--rate=100')
  assert.equal(
    notesOf(open, () => {}),
    '',
  )
  assert.match(
    notesOf(open, it => Object.assign(it.effort, { busiest: 0.99 })),
    /^The tool was a limit: .* Try --threads\.$/,
  )
  const late = (it: Outcome) => addSparse(it.latencies.lateness, [100, 98, 50_000, 2])
  assert.match(notesOf(open, late), /^The tool was late: 1 % .* 50\.\d ms or more/)
  assert.match(
    notesOf(open, it => Object.assign(it.counts.messages, { sent: 50 })),
    /^The server took 50 of 100 messages/,
  )
  assert.match(
    notesOf(settingsOf('--in-flight=1'), () => {}),
    /^Closed loop: /,
  )
  assert.match(
    notesOf(open, it => Object.assign(it.counts.connections, { opened: 0 })),
    /^No connection could be opened\.$/,
  )
  assert.equal(notesOf(open, late, true), 'Ended early.')
})
