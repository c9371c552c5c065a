import assert from 'node:assert/strict'
import { test } from 'node:test'
import { finder } from '../../autobahn/finder.js'
import { sampleCase, sampleConnection } from '../../support/autobahn-samples.js'

test('where keys come through, the key tells', () => {
  const suite = sampleCase()
  const other = sampleConnection({ id: 1, key: 'another' })
  const own = sampleConnection({ id: 2 })
  assert.equal(finder([suite], [other, own])(suite), own)
  assert.equal(finder([suite], [other])(suite), undefined)
})

test('where none does, it is the order among those with the same target', () => {
  const suite = (id: string, job: number, second: number) =>
    sampleCase({
      id,
      started: `2026-01-01T00:00:0${second}.000Z`,
      httpRequest: `GET /?job=${job} HTTP/1.1\r\nSec-WebSocket-Key: a\r\n\r\n`,
    })
  const cases = [
    suite('1.1.1', 0, 1),
    suite('2.1', 0, 3),
    suite('3.1', 1, 2),
    suite('9.1.1', 0, 2),
    suite('9.1.2', 0, 4),
  ]
  const connection = (id: number, job: number) => sampleConnection({ id, key: null, query: `job=${job}` })
  const connections = [connection(10, 0), connection(9, 0), connection(7, 1), connection(8, 0)]
  const connectionOf = finder(cases, connections)
  assert.deepEqual(
    cases.map(each => connectionOf(each)?.id),
    [8, 10, 7, 9, undefined],
  )
})
