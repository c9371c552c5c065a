// The way of handles between two real processes, on whichever Node runs this: that it is the direct one, and what holds
// when the pipe is full, the worker dies, or there are no file descriptors left.

import assert from 'node:assert/strict'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { type AddressInfo, connect, Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { HandleChannel } from '../../src/handle-channel.js'
import type { Handover } from '../../src/messages.js'
import { Accepted, takeAccepted } from '../../src/primary/accepted.js'
import { createListener, listen } from '../../src/primary/listener.js'
import type { FromReceiver, ToReceiver } from '../support/handle-receiver.js'
import { endWithUs } from '../support/watchdog.js'

/** More than the pipe has room for while nobody reads it. */
const MANY = 1500

const handover = (id: number): Handover => ({ type: 'handover', id, admission: 0, deadline: 0 })

class Receiver {
  readonly worker: Worker
  readonly channel: HandleChannel
  readonly #said: FromReceiver[] = []
  readonly #acknowledgements: string[] = []
  #wake: () => void = () => {}
  #dead = false

  constructor(t: TestContext, spoil: (worker: Worker) => void = () => {}) {
    cluster.setupPrimary({
      exec: fileURLToPath(new URL('../support/handle-receiver.js', import.meta.url)),
      serialization: 'json',
    })
    this.worker = cluster.fork()
    endWithUs(this.worker.process)
    t.after(() => this.worker.process.kill('SIGKILL'))
    spoil(this.worker)
    this.channel = new HandleChannel(this.worker)
    this.worker.on('message', (message: FromReceiver) => {
      this.#said.push(message)
      this.#wake()
    })
    this.worker.once('exit', () => {
      this.#dead = true
      this.#wake()
    })
    this.worker.process.on('internalMessage' as 'message', message => {
      const { cmd } = message as { cmd: string }
      if (cmd.startsWith('NODE_HANDLE')) this.#acknowledgements.push(cmd)
    })
  }

  /** Node's own acknowledgements of handles. */
  get acknowledgements(): readonly string[] {
    return this.#acknowledgements
  }

  say(message: ToReceiver, handle?: Socket): void {
    this.worker.send(message, handle)
  }

  /** Resolves with the next `count` messages. */
  async next(count: number): Promise<FromReceiver[]> {
    while (this.#said.length < count) {
      assert.ok(!this.#dead, `the worker ended after ${this.#said.length} of ${count} messages`)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.#said.splice(0, count)
  }

  async started(): Promise<this> {
    assert.deepEqual(await this.next(1), [{ done: 'start' }])
    return this
  }

  signal(name: NodeJS.Signals): void {
    this.worker.process.kill(name)
  }
}

async function acceptOne(t: TestContext): Promise<{ accepted: Accepted; client: Socket }> {
  const listener = createListener()
  t.after(() => listener.close())
  await listen(listener, '127.0.0.1', 0)
  const taken = new Promise<Accepted>(resolve => takeAccepted(listener, resolve))
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  t.after(() => client.destroy())
  return { accepted: await taken, client }
}

describe('a handle', () => {
  it('goes straight into the pipe, without an acknowledgement of Node, on every version that is supported', async t => {
    const receiver = await new Receiver(t).started()
    const { accepted } = await acceptOne(t)
    assert.equal(receiver.channel.direct, true)
    for (const id of [1, 2, 3]) accepted.sendTo(receiver.channel, handover(id))
    assert.deepEqual(
      await receiver.next(3),
      [1, 2, 3].map(id => ({ id, kind: 'TCP' })),
    )
    assert.deepEqual(receiver.acknowledgements, [])
    accepted.close()
  })

  it('does not disturb what goes the way that Node has for it', async t => {
    const receiver = await new Receiver(t).started()
    const { accepted } = await acceptOne(t)
    const other = await acceptOne(t)
    receiver.say({ ordinary: 1 }, other.accepted.connection as Socket)
    accepted.sendTo(receiver.channel, handover(2))
    receiver.say({ ordinary: 3 })
    const said = await receiver.next(3)
    assert.deepEqual(
      new Set(said.map(message => JSON.stringify(message))),
      new Set(['{"ordinary":1,"kind":"TCP"}', '{"id":2,"kind":"TCP"}', '{"ordinary":3,"kind":"none"}']),
    )
    assert.deepEqual(receiver.acknowledgements, ['NODE_HANDLE_ACK'])
    accepted.close()
    other.accepted.close()
  })

  for (const [what, spoil] of Object.entries({
    'the pipe': (worker: Worker) => {
      const key = Object.getOwnPropertySymbols(worker.process).find(
        ({ description }) => description === 'kChannelHandle',
      )
      const pipe = (worker.process as unknown as Record<symbol, object>)[key as symbol]
      const send = worker.process.send.bind(worker.process)
      // Node itself needs what is missing here.
      const { writeUtf8String } = pipe as { writeUtf8String: unknown }
      Object.assign(pipe, { writeUtf8String: undefined })
      worker.process.send = (...args: unknown[]) => {
        Object.assign(pipe, { writeUtf8String })
        return Reflect.apply(send, undefined, args)
      }
    },
    'the request': (_worker: Worker, t: TestContext) => {
      t.mock.method(process as unknown as { binding(name: string): object }, 'binding', () => {
        throw new Error('No such binding')
      })
    },
  })) {
    it(`goes the way that Node has for it when ${what} is not as expected`, async t => {
      const receiver = await new Receiver(t, worker => spoil(worker, t)).started()
      const { accepted } = await acceptOne(t)
      assert.equal(receiver.channel.direct, false)
      for (const id of [1, 2]) accepted.sendTo(receiver.channel, handover(id))
      assert.deepEqual(
        await receiver.next(2),
        [1, 2].map(id => ({ id, kind: 'TCP' })),
      )
      assert.equal(receiver.acknowledgements[0], 'NODE_HANDLE_ACK')
      accepted.close()
    })
  }

  it('may be a socket', async t => {
    const receiver = await new Receiver(t).started()
    const { accepted, client } = await acceptOne(t)
    const socket = new Socket({ handle: accepted.connection, readable: true, writable: true } as object)
    const wrapped = new Accepted(socket)
    wrapped.sendTo(receiver.channel, handover(1))
    assert.deepEqual(await receiver.next(1), [{ id: 1, kind: 'socket' }])
    // Ours is still there.
    wrapped.sendTo(receiver.channel, handover(2))
    assert.deepEqual(await receiver.next(1), [{ id: 2, kind: 'socket' }])
    wrapped.close()
    await once(client.resume(), 'close')
  })

  it('waits in a full pipe, is not closed meanwhile, and arrives when the worker reads on', async t => {
    const receiver = await new Receiver(t).started()
    const { accepted, client } = await acceptOne(t)
    receiver.signal('SIGSTOP')
    t.after(() => receiver.signal('SIGCONT'))
    let written = 0
    for (let id = 1; id <= MANY; id++) {
      receiver.channel.send(handover(id), accepted.connection, () => written++)
    }
    accepted.sendTo(receiver.channel, handover(MANY + 1))
    accepted.close()
    await new Promise(resolve => setImmediate(resolve))
    assert.ok(written > 0 && written < MANY, `${written} of ${MANY} writes are done`)
    receiver.signal('SIGCONT')
    const said = await receiver.next(MANY + 1)
    assert.deepEqual(
      said,
      Array.from({ length: MANY + 1 }, (_, i) => ({ id: i + 1, kind: 'TCP' })),
    )
    assert.equal(written, MANY)
    await once(client.resume(), 'close')
  })

  it('is given back by a worker that dies with it, and can go to another', async t => {
    const victim = await new Receiver(t).started()
    const heir = await new Receiver(t).started()
    const { accepted, client } = await acceptOne(t)
    victim.signal('SIGSTOP')
    let written = 0
    const all = new Promise<void>(resolve => {
      for (let id = 1; id <= MANY; id++) {
        victim.channel.send(handover(id), accepted.connection, () => {
          if (++written === MANY) resolve()
        })
      }
    })
    victim.signal('SIGKILL')
    await all
    accepted.sendTo(victim.channel, handover(MANY + 1))
    accepted.sendTo(heir.channel, handover(MANY + 2))
    assert.deepEqual(await heir.next(1), [{ id: MANY + 2, kind: 'TCP' }])
    accepted.close()
    await once(client.resume(), 'close')
  })

  it('does not get to a worker that has no file descriptor left, and gets there when it has', async t => {
    const receiver = await new Receiver(t).started()
    const { accepted } = await acceptOne(t)
    receiver.say({ order: 'exhaust' })
    await receiver.next(1)
    accepted.sendTo(receiver.channel, handover(1))
    accepted.sendTo(receiver.channel, handover(2))
    assert.deepEqual(
      await receiver.next(2),
      [1, 2].map(id => ({ id, kind: 'none' })),
    )
    receiver.say({ order: 'release' })
    await receiver.next(1)
    accepted.sendTo(receiver.channel, handover(3))
    assert.deepEqual(await receiver.next(1), [{ id: 3, kind: 'TCP' }])
    accepted.close()
  })
})
