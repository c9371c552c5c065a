// Answers that many ask for at once: made one after the other, once for each question.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createAdmin } from '../../../src/admin/server.js'
import { SharedAnswers } from '../../../src/admin/shared-answers.js'
import type { AdminView, ConnectionList } from '../../../src/admin/view.js'
import type { Settings } from '../../../src/settings.js'
import { silentFeed } from '../../support/silent-feed.js'

/** Answers that end when the test says so; `begun` are their questions so far. */
function workshop() {
  const begun: string[] = []
  const finish: ((answer: string) => void)[] = []
  const fail: ((error: Error) => void)[] = []
  const answers = new SharedAnswers<string>()
  const ask = (question: string) =>
    answers.ask(question, () => {
      begun.push(question)
      return new Promise((resolve, reject) => {
        finish.push(resolve)
        fail.push(reject)
      })
    })
  return { begun, finish, fail, ask }
}

const settle = () => new Promise(resolve => setImmediate(resolve))

/** Lets the rest end that comes after an answer. */
async function rested(t: TestContext): Promise<void> {
  await settle()
  t.mock.timers.tick(60_000)
  await settle()
}

test('whoever asks before an answer is begun shares it, and later ones get the next', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { begun, finish, ask } = workshop()
  const early = [ask('a'), ask('a')]
  await settle()
  const late = [ask('a'), ask('a')]
  await settle()
  assert.deepEqual(begun, ['a'])
  finish[0]('1')
  assert.deepEqual(await Promise.all(early), ['1', '1'])
  await rested(t)
  assert.deepEqual(begun, ['a', 'a'])
  finish[1]('2')
  assert.deepEqual(await Promise.all(late), ['2', '2'])
})

test('different questions are answered one after the other, in the order in which they came', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { begun, finish, ask } = workshop()
  const asked = [ask('a'), ask('b'), ask('c'), ask('b')]
  for (const [i, sofar] of [['a'], ['a', 'b'], ['a', 'b', 'c']].entries()) {
    await rested(t)
    assert.deepEqual(begun, sofar)
    finish[i](String(i))
  }
  assert.deepEqual(await Promise.all(asked), ['0', '1', '2', '1'])
})

test('the next one rests for a while first', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  t.mock.method(process, 'cpuUsage', (before?: NodeJS.CpuUsage) =>
    before === undefined ? { user: 0, system: 0 } : { user: 6000, system: 4000 },
  )
  const { begun, finish, ask } = workshop()
  void ask('a')
  await settle()
  finish[0]('')
  await settle()
  void ask('b')
  await settle()
  t.mock.timers.tick(29)
  await settle()
  assert.deepEqual(begun, ['a'])
  t.mock.timers.tick(1)
  await settle()
  assert.deepEqual(begun, ['a', 'b'])
})

test('a failure reaches those who share it, and nobody else', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { finish, fail, ask } = workshop()
  const failed = [ask('a'), ask('a')]
  await settle()
  const next = ask('a')
  fail[0](new Error('no'))
  for (const each of failed) await assert.rejects(each, /^Error: no$/)
  await rested(t)
  finish[1]('yes')
  assert.equal(await next, 'yes')
})

test('the admin server makes lists and scrapes once for all who ask meanwhile', async t => {
  let lists = 0
  let scrapes = 0
  const counts = { kept: { open: 0, closed: 0, failed: 0, refused: 0 }, evicted: { closed: 0, failed: 0, refused: 0 } }
  let open: () => void = () => {}
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  const view: Partial<AdminView> = {
    settings: { adminHost: '127.0.0.1', adminAllowedHost: [] } as Partial<Settings> as Settings,
    adminToken: () => undefined,
    connections: async (): Promise<ConnectionList> => {
      lists++
      await gate
      return { connections: [], end: undefined, unasked: [], ...counts }
    },
    metrics: async () => {
      scrapes++
      await gate
      return { contentType: 'text/plain', body: 'a 1\n' }
    },
  }
  let arrived = 0
  const app = createAdmin(view as AdminView, silentFeed())
  const server = createServer((request, response) => {
    app(request, response)
    if (++arrived === 9) open()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const ask = async (path: string, accept: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { accept } })
    return (await response.text()).slice(0, 1)
  }
  const paths = ['/connections', '/connections?limit=9', '/metrics'].flatMap(path => [path, path, path])
  const asked = paths.map(path => ask(path, 'application/json'))
  assert.deepEqual(await Promise.all(asked), ['{', '{', '{', '{', '{', '{', 'a', 'a', 'a'])
  // The first to ask has one of its own; the others, who came meanwhile, share the next.
  assert.deepEqual([lists, scrapes], [3, 2])
})
