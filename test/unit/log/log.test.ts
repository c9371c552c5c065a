import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { lossyDestination } from '../../../src/log.js'
import { readable } from '../../../src/readable-log.js'

function open(t: TestContext, path: string, flags: string): number {
  const fd = openSync(path, flags)
  t.after(() => closeSync(fd))
  return fd
}

test('lines are written whole, one after another', t => {
  const directory = mkdtempSync(join(tmpdir(), 'echobahn-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'log')
  const log = lossyDestination(open(t, path, 'w'), () => assert.fail('a line is lost'))
  log.write('Größe\n')
  log.write('two\n')
  assert.equal(readFileSync(path, 'utf8'), 'Größe\ntwo\n')
})

test('what cannot be written is lost and counted, and nothing is thrown', t => {
  let lost = 0
  const log = lossyDestination(open(t, '/dev/full', 'w'), () => lost++)
  for (let i = 0; i < 3; i++) log.write('line\n')
  assert.equal(lost, 3)
})

test('a line that broke off is not continued by the next', () => {
  let lost = 0
  const parts: string[] = []
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  const room = [full, 3, 100, 3, full, full, 100]
  const write = (_fd: number, octets: Buffer, from: number): number => {
    const next = room.shift()
    if (next instanceof Error) throw next
    const part = octets.toString('utf8', from, from + (next ?? 0))
    parts.push(part)
    return part.length
  }
  const log = lossyDestination(-1, () => lost++, write)
  for (const line of ['lost\n', 'in two parts\n', 'broken off\n', 'lost\n', 'last\n']) log.write(line)
  assert.equal(lost, 3)
  assert.equal(parts.join(''), 'in two parts\nbro\nlast\n')
})

test('on a terminal a line is for people', () => {
  const fields = { pid: 7, worker: 2, service: 'ws://127.0.0.1:8888', why: 'two words', limits: { openFiles: 9 } }
  const line = (level: number, rest: object) =>
    readable(`${JSON.stringify({ level, time: '2026-01-02T03:04:05.678Z', ...rest })}\n`)
  assert.equal(
    line(30, { ...fields, msg: 'serving' }),
    '03:04:05.678 info  serving worker=2 service=ws://127.0.0.1:8888 why="two words" limits={"openFiles":9}\n',
  )
  assert.equal(
    line(40, { pid: 7, err: { stack: 'Error: x\n    at y' } }),
    '03:04:05.678 warn\n  Error: x\n      at y\n',
  )
  assert.deepEqual(
    [10, 20, 50, 60].map(level => line(level, { pid: 7, msg: 'm' }).split(' ')[1]),
    ['trace', 'debug', 'error', 'fatal'],
  )
})
