import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DepartingReports, MOST_DEPARTING_REPORTS } from '../../../src/messages.js'
import type { ConnectionReport } from '../../../src/report/report.js'
import { sendInParts } from '../../../src/worker/departing-reports.js'

function* reports(count: number, made: number[] = []): Generator<ConnectionReport, undefined> {
  for (let id = count; id >= 1; id--) {
    made.push(id)
    yield { id } as ConnectionReport
  }
}

test('reports leave in parts of a bounded size, in their order, the next when one is written', () => {
  const sent: DepartingReports[] = []
  const made: number[] = []
  let written: () => void = () => {}
  let done = false
  const count = 2 * MOST_DEPARTING_REPORTS + 1
  sendInParts(
    reports(count, made),
    (message, then) => {
      sent.push(message)
      written = then
    },
    () => {
      done = true
    },
  )
  assert.equal(made.length, MOST_DEPARTING_REPORTS)
  written()
  written()
  assert.equal(done, false)
  assert.deepEqual(
    sent.map(message => message.reports.length),
    [MOST_DEPARTING_REPORTS, MOST_DEPARTING_REPORTS, 1],
  )
  assert.deepEqual(
    sent.flatMap(message => message.reports.map(({ id }) => id)),
    made,
  )
  written()
  assert.equal(done, true)
})

for (const count of [0, MOST_DEPARTING_REPORTS])
  test(`${count} reports come to an end`, () => {
    let sent = 0
    let done = 0
    sendInParts(
      reports(count),
      (message, then) => {
        sent += message.reports.length
        then()
      },
      () => done++,
    )
    assert.deepEqual([sent, done], [count, 1])
  })
