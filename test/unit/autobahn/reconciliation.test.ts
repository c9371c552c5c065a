import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reconcileRun } from '../../autobahn/reconciliation.js'
import { sampleCase, sampleConnection } from '../../support/autobahn-samples.js'

const before = new Map([
  ...['received', 'sent'].flatMap(direction => [
    ...['continuation', 'text', 'binary', 'close', 'ping', 'pong'].map(opcode =>
      series('frames_total', direction, opcode),
    ),
    ...['text', 'binary'].map(opcode => series('messages_total', direction, opcode)),
    series('wire_bytes_total', direction),
  ]),
  ['echobahn_connections_total', 10],
] as [string, number][])

function series(name: string, direction: string, opcode?: string): [string, number] {
  return [`echobahn_${name}{direction="${direction}"${opcode === undefined ? '' : `,opcode="${opcode}"`}}`, 10]
}

/** What the metrics say after two connections such as `sampleConnection()`. */
function afterTwo(): Map<string, number> {
  const after = new Map(before).set('echobahn_connections_total', 12)
  for (const direction of ['received', 'sent']) {
    for (const opcode of ['text', 'close']) after.set(series('frames_total', direction, opcode)[0], 12)
    after.set(series('messages_total', direction, 'text')[0], 12)
  }
  after.set(series('wire_bytes_total', 'received')[0], 10 + 2 * sampleConnection().received.octets)
  return after.set(series('wire_bytes_total', 'sent')[0], 10 + 2 * sampleConnection().sent.octets)
}

const second = { key: 'second', id: 2, worker: 2 }
const reports = [sampleConnection(second), sampleConnection()]
const cases = [
  sampleCase(),
  sampleCase({ id: '1.1.2', httpRequest: sampleCase().httpRequest.replace(/Key: .*/, 'Key: second') }),
]

describe('reconciliation of a run', () => {
  it('is complete when cases and sums agree', () => {
    const { connections, series, cases: differing, sums } = reconcileRun(cases, { before, after: afterTwo(), reports })
    assert.deepEqual(
      { connections, series, differing, sums },
      { connections: { 1: 1, 2: 1 }, series: 19, differing: [], sums: [] },
    )
  })

  it('compares every series', () => {
    for (const name of before.keys())
      for (const wrong of [(afterTwo().get(name) as number) + 1, Number.NaN]) {
        const { sums } = reconcileRun(cases, { before, after: afterTwo().set(name, wrong), reports })
        assert.equal(sums.length, 1)
        assert.ok(sums[0].startsWith(`${name}: grew by `), sums[0])
      }
  })

  it('takes off what is of HTTP/2 sessions: octets of their own, and that they are connections', () => {
    const own = new Map([
      ['echobahn_http2_overhead_bytes_total{direction="received"}', 300],
      ['echobahn_http2_overhead_bytes_total{direction="sent"}', 200],
      ['echobahn_http2_sessions', 1],
      ['echobahn_http2_sessions_ended_total{cause="peer"}', 2],
      ['echobahn_http2_sessions_ended_total{cause="idle"}', 1],
    ])
    const after = new Map([...afterTwo(), ...own])
    const add = (name: string, more: number) => after.set(name, (after.get(name) as number) + more)
    add('echobahn_wire_bytes_total{direction="received"}', 300)
    add('echobahn_wire_bytes_total{direction="sent"}', 200)
    add('echobahn_connections_total', 4)
    assert.deepEqual(reconcileRun(cases, { before, after, reports }).sums, [])
    add('echobahn_wire_bytes_total{direction="sent"}', 1)
    assert.equal(reconcileRun(cases, { before, after, reports }).sums.length, 1)
  })

  it('finds the connection of a case by its key and names the case', () => {
    const wrong = [sampleConnection({ ...second, sent: { ...sampleConnection().sent, octets: 1 } }), sampleConnection()]
    const { cases: differing } = reconcileRun(cases, { before, after: afterTwo(), reports: wrong })
    assert.deepEqual(differing, [{ id: '1.1.2', differences: ['octets sent: 140 for the suite, 1 for the service'] }])
  })

  it('does not pass over a case without a connection report', () => {
    const { cases: differing, sums } = reconcileRun(cases, { before, after: afterTwo(), reports: [sampleConnection()] })
    assert.deepEqual(
      differing.map(({ id }) => id),
      ['1.1.2'],
    )
    assert.ok(sums.length > 0)
    const noHandshake = [sampleCase({ httpRequest: '?' })]
    assert.equal(reconcileRun(noHandshake, { before, after: before, reports: [] }).cases.length, 1)
  })

  it('counts connections that belong to no case in the sums', () => {
    const { cases: differing, sums } = reconcileRun([cases[0]], { before, after: afterTwo(), reports })
    assert.deepEqual({ differing, sums }, { differing: [], sums: [] })
  })
})
