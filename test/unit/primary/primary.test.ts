// The primary from start to exit, in this process, with workers that say what the test wants.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import type { ExitError } from '../../../src/errors.js'
import { WORKER_GAUGES } from '../../../src/metrics/catalogue.js'
import { offsetOf } from '../../../src/metrics/layout.js'
import { PrimaryInProcess } from '../../support/primary-in-process.js'

const TWO = ['--workers', '2']
const GAUGES = WORKER_GAUGES.map(() => 0)
const NONE_EVICTED = { closed: 0, failed: 0, refused: 0 }

async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

async function workersOf(primary: PrimaryInProcess): Promise<{ worker: number; state: string; connections: number }[]> {
  return JSON.parse((await primary.ask('/workers')).body)
}

test('it serves once all workers are ready, and says so', async t => {
  const primary = new PrimaryInProcess(t, ...TWO)
  await primary.listening(2)
  primary.forked[0].getReady()
  await turns()
  const starting = await primary.ask('/readyz')
  assert.deepEqual([starting.status, starting.body.includes('starting'), primary.printed], [503, true, ''])
  assert.equal((await primary.ask('/livez')).status, 200)
  primary.forked[1].getReady()
  while (primary.printed === '') await turns()
  assert.match(primary.printed, /^listening ws:\/\/127\.0\.0\.1:\d+ admin http:\/\/127\.0\.0\.1:\d+\n$/)
  assert.equal((await primary.ask('/readyz')).status, 200)
  const serving = primary.log.find(({ msg }) => msg === 'serving')
  assert.equal(`listening ${serving?.service} admin ${serving?.admin}\n`, primary.printed)
  assert.deepEqual([serving?.workers, serving?.node], [2, process.version])
})

test('a connection is handed over, and is the worker’s from its word on until it says the end', async t => {
  const primary = new PrimaryInProcess(t, ...TWO)
  await primary.serving()
  const { worker, id } = await primary.connect()
  const opened = async () => (await workersOf(primary)).map(({ connections }) => connections)
  assert.deepEqual((await opened()).sort(), [0, 1])
  worker.say({ type: 'changes', taken: [id] })
  const metrics = async () => (await primary.gathered('/metrics', 'snapshot-request', snapshot)).body
  assert.match(await metrics(), /\nechobahn_connections_total 1\n/)
  worker.say({ type: 'changes', ended: [id] })
  assert.deepEqual(await opened(), [0, 0])
  assert.match(await metrics(), /\nechobahn_connections_ended_total\{cause="closed"\} 1\n/)
})

test('an accept that fails is counted and told of, and the next connection is accepted', async t => {
  const EMFILE = -24
  const primary = new PrimaryInProcess(t, ...TWO)
  await primary.serving()
  for (const of of ['clients', 'admin'] as const) primary.failAccept(of, EMFILE)
  const { body } = await primary.gathered('/metrics', 'snapshot-request', snapshot)
  assert.match(body, /\nechobahn_shortages_total\{kind="accept_failed"\} 2\n/)
  assert.ok(primary.texts(40).includes('connections could not be accepted'), JSON.stringify(primary.log))
  assert.deepEqual(primary.texts(50), [])
  const { worker, id } = await primary.connect()
  worker.say({ type: 'changes', taken: [id] })
  const connections = (await workersOf(primary)).reduce((sum, each) => sum + each.connections, 0)
  assert.equal(connections, 1)
})

test('one that a worker refuses, or that did not reach it, goes to another', async t => {
  const primary = new PrimaryInProcess(t, ...TWO)
  await primary.serving()
  for (const kind of ['refused', 'undelivered'] as const) {
    const { worker, id } = await primary.connect()
    const other = primary.forked.find(each => each !== worker)
    const before = other?.sent.length
    worker.say({ type: 'changes', [kind]: [id] } as never)
    assert.equal(other?.sent.length, (before ?? 0) + 1)
    assert.equal(other?.told.at(-1), 'handover')
  }
  const { body } = await primary.gathered('/metrics', 'snapshot-request', snapshot)
  assert.match(body, /\nechobahn_shortages_total\{kind="undelivered"\} 1\n/)
})

function snapshot(question: number): object {
  return { type: 'snapshot', question, deltas: [], gauges: GAUGES }
}

test('a scrape has what the workers have counted last; one that tells nonsense is passed over', async t => {
  const primary = new PrimaryInProcess(t, ...TWO, '--max-connections', '100')
  await primary.serving()
  const sent = offsetOf('wire_bytes_total', { direction: 'sent' })
  const good = await primary.gathered('/metrics', 'snapshot-request', question => ({
    ...snapshot(question),
    deltas: [sent, 5],
  }))
  assert.equal(good.status, 200)
  assert.match(good.body, /\nechobahn_wire_bytes_total\{direction="sent"\} 10\n/)
  assert.match(good.body, /\nechobahn_limits\{limit="max_connections"\} 100\n/)
  const bad = await primary.gathered('/metrics', 'snapshot-request', question => ({
    ...snapshot(question),
    deltas: [-1, 5],
  }))
  assert.match(bad.body, /\nechobahn_wire_bytes_total\{direction="sent"\} 10\n/)
  assert.deepEqual(primary.texts(50), ['snapshot dropped', 'snapshot dropped'])
})

test('a scrape does not wait for ever', async t => {
  const primary = new PrimaryInProcess(t, ...TWO)
  await primary.serving()
  const answered = primary.ask('/metrics')
  while (!primary.forked[0].told.includes('snapshot-request')) await turns(1)
  t.mock.timers.tick(299)
  let isDone = false
  void answered.then(() => {
    isDone = true
  })
  await turns(20)
  assert.equal(isDone, false)
  t.mock.timers.tick(1)
  assert.equal((await answered).status, 200)
})

test('reports are gathered from the workers, and outlive those that leave', async t => {
  const primary = new PrimaryInProcess(t, ...TWO)
  await primary.serving()
  const counts = { kept: { open: 0, closed: 0, failed: 0, refused: 0 }, evicted: NONE_EVICTED }
  const list = await primary.gathered('/connections', 'list-connections', question => ({
    type: 'connections',
    question,
    connections: [],
    counts,
  }))
  assert.equal(list.status, 200)
  const unknown = await primary.gathered('/connections/77', 'tell-connection', question => ({
    type: 'connection',
    question,
    report: null,
  }))
  assert.equal(unknown.status, 404)
  const [leaving] = primary.forked
  leaving.say({ type: 'left', cut: 0, evicted: { closed: 3, failed: 0, refused: 0 } })
  const report = { id: 78, state: 'closed', closed: true }
  leaving.say({ type: 'departing-reports', reports: [report as never] })
  leaving.die(0)
  primary.forked.splice(0, 1)
  const kept = await primary.ask('/connections/78')
  assert.equal(kept.status, 200)
  assert.equal((JSON.parse(kept.body) as { id: number }).id, 78)
})

test('workers are answered: clients, streams, controls', async t => {
  const primary = new PrimaryInProcess(t, ...TWO, '--controls', 'on', '--default-controls', 'delay=1s')
  await primary.serving()
  const { worker, id } = await primary.connect()
  worker.say({ type: 'changes', taken: [id] })
  worker.say({ type: 'admit-clients', clients: [{ opening: id, address: '192.0.2.1' }] })
  assert.deepEqual(worker.sent.at(-1), { type: 'clients-admitted', clients: [{ opening: id, admission: 0 }] })
  worker.say({ type: 'open-streams', streams: [{ request: 5, session: id }] })
  const streams = worker.sent.at(-1) as { type: string; streams: { request: number; id: number; admission: number }[] }
  assert.deepEqual([streams.type, streams.streams[0].request, streams.streams[0].admission], ['streams-opened', 5, 0])
  assert.ok(streams.streams[0].id > id)
  worker.say({ type: 'claim', opening: 9 })
  assert.deepEqual(worker.told.at(-1), 'claimed')
  const put = primary.ask('/controls', 'PUT', JSON.stringify({ controls: 'delay=2s' }))
  const asked = () =>
    primary.forked.map(each => each.sent.findLast(({ type }) => type === 'default-controls') as { question: number })
  while (asked().some(message => message === undefined || message.question === 0)) await turns(1)
  for (const [i, { question }] of asked().entries()) primary.forked[i].say({ type: 'default-controls-set', question })
  assert.equal((await put).status, 200)
})

test('trusted proxies have no address of their own, others have', async t => {
  for (const [trusted, admission] of [
    ['127.0.0.1', 0],
    ['192.0.2.1', 429],
  ] as const) {
    const flags = ['--max-connections-per-ip', '1', '--trusted-proxies', trusted, '--forwarded-header', 'forwarded']
    await t.test(trusted, async t => {
      const primary = new PrimaryInProcess(t, ...TWO, ...flags)
      await primary.serving()
      await primary.connect()
      const { worker } = await primary.connect()
      const { admission: told } = worker.sent.at(-1) as unknown as { admission: number }
      assert.equal(told, admission)
    })
  }
})

test('what dies with a worker is told, and counted', async t => {
  const primary = new PrimaryInProcess(t, ...TWO)
  await primary.serving()
  const { worker, id } = await primary.connect()
  worker.say({ type: 'changes', taken: [id] })
  worker.die(null, 'SIGKILL')
  assert.ok(primary.texts(40).includes('connections lost with the worker: 1'))
  primary.forked.splice(primary.forked.indexOf(worker), 1)
  const [other] = primary.forked
  other.say({ type: 'left', cut: 3, evicted: NONE_EVICTED })
  other.die(0)
  assert.ok(primary.texts(40).includes('connections cut: 3'))
  assert.ok(!primary.texts(40).includes('connections lost with the worker: 0'))
  const { status, body } = await primary.ask('/readyz')
  assert.deepEqual([status, body.includes('no-worker')], [503, true])
})

test('SIGTERM: not ready, no connection any more, workers leave, and the exit tells what was cut', async t => {
  const primary = new PrimaryInProcess(t, ...TWO, '--drain-timeout', '5s')
  await primary.serving()
  primary.signal('SIGTERM')
  assert.equal((await primary.ask('/readyz')).status, 503)
  assert.deepEqual(
    primary.forked.map(({ sent }) => sent.at(-1)),
    Array(2).fill({ type: 'leave', when: 'now' }),
  )
  assert.ok(primary.texts(30).includes('SIGTERM: draining for at most 5000 ms'))
  await assert.rejects(Promise.race([primary.connect(), turns(200).then(() => Promise.reject(new Error('none')))]))
  primary.forked[0].say({ type: 'left', cut: 2, evicted: NONE_EVICTED })
  for (const worker of primary.forked) worker.die(0)
  assert.equal(await primary.exit, 0)
  const stopped = primary.log.at(-1)
  assert.deepEqual([stopped?.msg, stopped?.cut], ['stopped; connections cut: 2', 2])
})

test('a second signal ends it at once, with its number', async t => {
  for (const [second, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)
    await t.test(second, async t => {
      const primary = new PrimaryInProcess(t, ...TWO)
      await primary.serving()
      primary.signal('SIGINT')
      primary.signal(second)
      assert.equal(await primary.exit, code)
      assert.ok(primary.forked.every(({ process }) => process.signals.includes('SIGKILL')))
    })
})

test('with a drain delay it serves on for so long, though it is no longer ready', async t => {
  const primary = new PrimaryInProcess(t, ...TWO, '--drain-delay', '7s')
  await primary.serving()
  primary.signal('SIGTERM')
  const { status, body } = await primary.ask('/readyz')
  assert.deepEqual([status, body.includes('draining'), primary.delay], [503, true, 7000])
  assert.ok(primary.texts(30).includes('SIGTERM: no longer ready; the drain begins in 7000 ms'))
  const { worker } = await primary.connect()
  assert.equal(worker.told.at(-1), 'handover')
  assert.equal((await primary.ask('/reload', 'POST')).status, 409)
  primary.endDelay?.()
  await turns()
  assert.equal(worker.told.at(-1), 'leave')
  primary.signal('SIGTERM')
  assert.equal(await primary.exit, 143)
})

test('a second signal cuts the delay short as well; who has not begun to serve does not delay', async t => {
  await t.test('cut short', async t => {
    const primary = new PrimaryInProcess(t, ...TWO, '--drain-delay', '1ms')
    await primary.serving()
    primary.signal('SIGTERM')
    assert.equal(primary.delay, 1)
    primary.signal('SIGTERM')
    assert.equal(await primary.exit, 143)
  })
  await t.test('at the start', async t => {
    const primary = new PrimaryInProcess(t, ...TWO, '--drain-delay', '7s')
    await primary.listening(2)
    primary.signal('SIGTERM')
    assert.equal(primary.delay, undefined)
    for (const worker of primary.forked) worker.die(null, 'SIGKILL')
    assert.equal(await primary.exit, 0)
    assert.equal(primary.printed, '')
  })
})

test('SIGHUP and POST /reload replace the workers, one reload at a time', async t => {
  const primary = new PrimaryInProcess(t, ...TWO)
  await primary.listening(2)
  primary.signal('SIGHUP')
  assert.deepEqual(primary.texts(50), ['reload not begun: the service is starting'])
  await primary.serving()
  primary.signal('SIGHUP')
  assert.equal(primary.forked.length, 3)
  const second = await primary.ask('/reload', 'POST')
  assert.equal(second.status, 409)
  assert.match(second.body, /a reload is under way/)
  primary.forked[2].getReady()
  await turns()
  assert.deepEqual(primary.forked[0].sent.at(-1), { type: 'leave', when: 'later' })
  primary.forked[3].getReady()
  await turns()
  assert.equal((await primary.ask('/reload', 'POST')).status, 202)
  assert.equal(primary.forked.length, 5)
})

test('a worker that says nothing for 2 s gets no connection until it speaks', async t => {
  const primary = new PrimaryInProcess(t, ...TWO, '--max-connections', '100')
  await primary.serving()
  const [silent, other] = primary.forked
  primary.seconds += 2
  other.say({ type: 'changes' })
  t.mock.timers.tick(100)
  await turns()
  assert.deepEqual(primary.texts(40), [])
  primary.seconds += 1
  other.say({ type: 'changes' })
  t.mock.timers.tick(100)
  await turns()
  assert.deepEqual(primary.texts(40), ['worker unresponsive'])
  const line = primary.log.at(-1)
  assert.deepEqual([line?.worker, line?.silence], [1, 3000])
  for (let i = 0; i < 3; i++) assert.equal((await primary.connect()).worker, other)
  silent.say({ type: 'changes' })
  assert.equal(primary.texts(30).at(-1), 'worker responsive again')
  assert.equal((await primary.connect()).worker, silent)
})

test('a hand-over that is not answered in time is revoked, and goes to another', async t => {
  const primary = new PrimaryInProcess(t, ...TWO)
  await primary.serving()
  const { worker, id } = await primary.connect()
  primary.seconds += 1
  t.mock.timers.tick(100)
  await turns()
  assert.deepEqual(worker.sent.at(-1), { type: 'revoke', id })
  assert.equal(primary.forked.find(each => each !== worker)?.told.at(-1), 'handover')
})

test('the console is greeted with what it has to know, and hears of each change of state', async t => {
  const primary = new PrimaryInProcess(t, ...TWO, '--path', '/echo')
  await primary.serving()
  const page = new WebSocket(`ws://127.0.0.1:${primary.adminPort}/live`)
  t.after(() => page.terminate())
  const messages: Record<string, unknown>[] = []
  page.on('message', data => messages.push(JSON.parse(String(data))))
  const until = async (isThere: () => boolean) => {
    while (!isThere()) await turns(1)
  }
  await once(page, 'open')
  page.send('{}')
  await until(() => messages.length > 0)
  const [hello] = messages as { service: object; workers: number; state: object; limits: object }[]
  const port = Number(new URL(primary.printed.split(' ')[1]).port)
  assert.deepEqual(hello.service, { port, secure: false, path: '/echo', origins: [] })
  assert.equal(hello.workers, 2)
  assert.deepEqual(Object.keys(hello.limits).sort(), ['codec_queue', 'max_connections', 'memory_budget'])
  const readiness = (state: unknown) => (state as { readiness: string }).readiness
  assert.equal(readiness(hello.state), 'ready')
  const changes: [string, () => void][] = [
    ['a worker is gone', () => primary.forked[0].die(null, 'SIGKILL')],
    ['the drain', () => primary.signal('SIGTERM')],
  ]
  for (const [what, change] of changes) {
    const before = messages.length
    t.mock.timers.tick(50)
    change()
    t.mock.timers.tick(50)
    await until(() => messages.length > before)
    assert.equal(messages.at(-1)?.type, 'state', what)
  }
  assert.equal(readiness(messages.at(-1)?.state), 'draining')
})

test('where no worker gets ready it fails, and ends all', async t => {
  const primary = new PrimaryInProcess(t, '--workers', '1')
  await primary.listening(1)
  for (let death = 0; death < 7; death++) {
    primary.forked.at(-1)?.die(9)
    t.mock.timers.tick(5000)
  }
  await assert.rejects(primary.exit, (error: ExitError) => error.code === 'ECHOBAHN_WORKERS_FAILED')
})
