import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderSlowest, slowestCases } from '../../autobahn/slowest.js'
import { sampleCase, sampleConnection } from '../../support/autobahn-samples.js'

test('the slowest cases come first, five of them, each with the split of its connection', () => {
  const cases = [3, 9, 1, 7, 5, 8].map(duration => sampleCase({ id: `1.1.${duration}`, duration }))
  const slowest = slowestCases(cases, [sampleConnection({ duration: 12 })])
  assert.deepEqual(
    slowest.map(({ id }) => id),
    ['1.1.9', '1.1.8', '1.1.7', '1.1.5', '1.1.3'],
  )
  const { time, slowestEcho } = sampleConnection()
  assert.deepEqual(slowest[0], { id: '1.1.9', milliseconds: 9, service: { duration: 12, time, slowestEcho } })
  const unread = { ...slowest[1], service: { duration: 12, time: { ...time, unread: 4.4 }, slowestEcho: null } }
  assert.deepEqual(renderSlowest([slowest[0], unread]), [
    "1.1.9 took 9 ms: 2 the service's (1 at work), 10 the client's, slowest echo 1",
    "1.1.8 took 8 ms: 2 the service's (1 at work), 10 the client's, octets unread for 4",
  ])
})

test('a case of which the service has no report is said to have none', () => {
  const [slow] = slowestCases([sampleCase({ id: '9.1.1', duration: 5 })], [sampleConnection({ key: 'another' })])
  assert.equal(slow.service, null)
  assert.deepEqual(renderSlowest([slow]), ['9.1.1 took 5 ms; the service has no report of it'])
})
