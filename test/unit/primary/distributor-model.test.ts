// The distributor and its workers in any order of events: no connection is served by two, lost, or counted twice.
//
// The workers are those of the service as far as hand-overs go (`Handovers`). Between them and the distributor are pipes in
// which messages stay until they are read, and a worker's own queue of messages that its pipe has no room for. Connections may
// be sessions, whose streams are connections that the primary numbers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Changes, Handover } from '../../../src/messages.js'
import { ACKNOWLEDGEMENT_TIMEOUT, Distributor } from '../../../src/primary/distributor.js'
import type { Recipient } from '../../../src/primary/lane.js'
import { Handovers } from '../../../src/worker/handovers.js'

const WORKERS = 3
/** Connections admitted at a time, so that some are refused. */
const LIMIT = 12

class Client {
  readonly name: number
  /** The primary's copy is closed. */
  closed = false
  /** A worker began to serve it. */
  served = false
  /** A worker told that it takes it, and did not begin, since the word was late or the worker left. */
  givenUp = false

  constructor(name: number) {
    this.name = name
  }
}

/** A worker's copy. */
class Handle {
  readonly client: Client
  closed = false

  constructor(client: Client) {
    this.client = client
  }

  close(): void {
    assert.ok(!this.closed, `a worker closed its copy of ${this.client.name} twice`)
    this.closed = true
  }

  /** The word that it is taken is in the pipe, so it has begun, or is given up. */
  noteEnd(): void {
    if (this.closed && !this.client.served) this.client.givenUp = true
  }
}

type ToWorker = { handover: Handover; client: Client } | { revoke: number } | { stream: number; session: number }
type FromWorker = Changes | { ask: number }

class Worker implements Recipient<Client> {
  readonly world: World
  readonly inbox: ToWorker[] = []
  /** In the pipe to the primary. */
  readonly outbox: FromWorker[] = []
  /** Waits for room in the pipe. */
  readonly unwritten: { message: FromWorker; written: () => void }[] = []
  readonly handovers: Handovers
  readonly open = new Map<number, Handle>()
  /** Streams by number, each with that of its session. */
  readonly streams = new Map<number, number>()
  readonly #arrived = new Map<number, Handle>()
  outOfFiles = false
  leaving: 'no' | 'later' | 'now' = 'no'

  constructor(world: World) {
    this.world = world
    this.handovers = new Handovers(
      {
        onTaken: ({ id }, connection) => this.#begin(id, connection as Handle),
        tell: (message, written) => this.unwritten.push({ message, written }),
      },
      () => world.now,
    )
  }

  handOver(handover: Handover, client: Client): void {
    assert.ok(!client.closed, `${client.name} is handed over after the primary closed it`)
    this.inbox.push({ handover, client })
  }

  revoke(id: number): void {
    this.inbox.push({ revoke: id })
  }

  read(): void {
    const message = this.inbox.shift()
    if (message === undefined) return
    if ('stream' in message) this.#opened(message.stream, message.session)
    else if ('revoke' in message) {
      if (!this.handovers.revoke(message.revoke)) {
        assert.ok(!this.open.has(message.revoke), 'a connection is taken back that is being served')
      }
    } else {
      const { handover, client } = message
      const handle = this.outOfFiles ? undefined : new Handle(client)
      if (handle !== undefined) this.#arrived.set(handover.id, handle)
      this.handovers.arrived(handover, handle)
    }
  }

  write(): void {
    const next = this.unwritten.shift()
    if (next === undefined) return
    const { message, written } = next
    this.outbox.push(message)
    written()
    if ('ask' in message) return
    for (const id of message.taken ?? []) this.#arrived.get(id)?.noteEnd()
  }

  end(index: number): void {
    const [id, handle] = [...this.open][index % Math.max(1, this.open.size)] ?? []
    if (id === undefined || handle === undefined) return
    this.open.delete(id)
    handle.close()
    this.handovers.ended(id)
    for (const [stream, session] of this.streams) if (session === id) this.endStream(stream)
  }

  /** A request came on a session. */
  ask(index: number): void {
    const session = [...this.open.keys()].at(index % Math.max(1, this.open.size))
    if (session !== undefined) this.unwritten.push({ message: { ask: session }, written: () => {} })
  }

  endStream(stream: number | undefined): void {
    if (stream !== undefined && this.streams.delete(stream)) this.handovers.ended(stream)
  }

  #opened(stream: number, session: number): void {
    if (stream === 0) return
    this.streams.set(stream, session)
    // It was gone with its session before.
    if (!this.open.has(session)) this.endStream(stream)
  }

  #begin(id: number, handle: Handle): void {
    assert.ok(!handle.closed)
    assert.equal(handle.client.served, false, `${handle.client.name} is served by two`)
    handle.client.served = true
    this.open.set(id, handle)
  }
}

class World {
  now = 1000
  readonly clients: Client[] = []
  readonly workers: Worker[] = []
  readonly distributor: Distributor<Client, Worker>
  /** A look at the deadlines that has begun: its instant, and what was in the pipes by then. */
  #check: { now: number; unread: Map<Worker, number> } | undefined

  constructor(limit: number) {
    this.distributor = new Distributor<Client, Worker>({
      distribution: 'least-connections',
      limits: { maxConnections: limit, maxConnectionsPerIp: 0 },
      closeSocket: client => {
        assert.ok(!client.closed, `the primary closed ${client.name} twice`)
        client.closed = true
      },
      isGone: () => false,
      onResponsive: () => {},
      onUndelivered: () => {},
      now: () => this.now,
    })
    for (let i = 0; i < WORKERS; i++) this.fork()
  }

  fork(): void {
    const worker = new Worker(this)
    this.workers.push(worker)
    this.distributor.join(worker)
  }

  accept(): void {
    const client = new Client(this.clients.length + 1)
    this.clients.push(client)
    this.distributor.accept(client, '')
  }

  /** The primary reads one message of the worker. */
  hear(worker: Worker): void {
    const changes = worker.outbox.shift()
    if (changes === undefined) return
    this.distributor.heard(worker)
    if ('ask' in changes) {
      const { id } = this.distributor.openStream(worker, changes.ask)
      worker.inbox.push({ stream: id, session: changes.ask })
      return
    }
    this.distributor.taken(worker, changes.taken ?? [])
    this.distributor.refused(worker, changes.refused ?? [])
    this.distributor.undelivered(worker, changes.undelivered ?? [])
    this.distributor.ended(worker, changes.ended ?? [])
  }

  beginCheck(): void {
    this.#check ??= { now: this.now, unread: new Map(this.workers.map(worker => [worker, worker.outbox.length])) }
  }

  finishCheck(): void {
    if (this.#check === undefined) return
    const { now, unread } = this.#check
    this.#check = undefined
    for (const [worker, count] of unread) {
      if (this.workers.includes(worker)) for (let i = 0; i < count; i++) this.hear(worker)
    }
    this.distributor.expire(now)
  }

  /** What the worker had written is read before its death is known; the rest dies with it. */
  kill(worker: Worker): void {
    this.workers.splice(this.workers.indexOf(worker), 1)
    while (worker.outbox.length > 0) this.hear(worker)
    // No timer of it must fire.
    worker.handovers.tell()
    this.distributor.remove(worker)
    assert.equal(this.distributor.load(worker), 0)
  }

  /** Everybody does what there is to do until nothing is left. */
  settle(): void {
    if (!this.workers.some(({ leaving }) => leaving === 'no')) this.fork()
    for (const worker of this.workers) worker.outOfFiles = false
    for (let round = 0; round < 6; round++) {
      for (const worker of this.workers) this.distributor.heard(worker)
      for (let step = 0; step < 20; step++) {
        for (const worker of this.workers) {
          while (worker.inbox.length > 0) worker.read()
          worker.handovers.tell()
          while (worker.unwritten.length > 0) worker.write()
          while (worker.outbox.length > 0) this.hear(worker)
        }
      }
      this.now += ACKNOWLEDGEMENT_TIMEOUT
      this.finishCheck()
      this.beginCheck()
      this.finishCheck()
    }
  }

  /** To be called when all is settled: the primary has closed its copies, and knows what the workers have. */
  verifyOwners(): void {
    for (const { name, closed } of this.clients) assert.ok(closed, `the primary kept its copy of ${name}`)
    for (const worker of this.workers)
      assert.equal(this.distributor.load(worker), worker.open.size + worker.streams.size)
    assert.equal(this.distributor.held, 0)
    const { openedTotal, endedTotal } = this.distributor
    const open = this.workers.reduce((sum, worker) => sum + this.distributor.open(worker), 0)
    assert.equal(openedTotal, endedTotal.closed + endedTotal.lost + open)
  }

  verifyNoneLost(): void {
    for (const { name, served, givenUp } of this.clients) assert.ok(served || givenUp, `${name} is lost`)
  }

  /** Ends all connections: then as many are admitted as the limit says. */
  verifyPlaces(limit: number): void {
    for (const worker of this.workers) while (worker.open.size > 0) worker.end(0)
    this.settle()
    const admissions: number[] = []
    for (const worker of this.workers) {
      const { handOver } = worker
      worker.handOver = (handover, client) => {
        admissions.push(handover.admission)
        handOver.call(worker, handover, client)
      }
    }
    for (let i = 0; i < limit + 1; i++) this.accept()
    this.settle()
    assert.deepEqual(
      admissions.sort((x, y) => x - y),
      [...Array(limit).fill(0), 503],
    )
  }
}

type Step = readonly [run: (world: World, worker: Worker, index: number) => void, weight: number]

const STEPS: Record<string, Step> = {
  accept: [world => world.accept(), 8],
  read: [(_, worker) => worker.read(), 8],
  tell: [(_, worker) => worker.handovers.tell(), 6],
  write: [(_, worker) => worker.write(), 6],
  hear: [(world, worker) => world.hear(worker), 6],
  end: [(_, worker, index) => worker.end(index), 3],
  ask: [(_, worker, index) => worker.ask(index), 3],
  endStream: [(_, worker, index) => worker.endStream([...worker.streams.keys()].at(index)), 2],
  wait: [(world, _, index) => (world.now += index * 50), 4],
  beginCheck: [world => world.beginCheck(), 3],
  finishCheck: [world => world.finishCheck(), 3],
  suspend: [(world, worker) => world.distributor.suspend(worker), 1],
  heard: [(world, worker) => world.distributor.heard(worker), 1],
  files: [(_, worker) => (worker.outOfFiles = !worker.outOfFiles), 1],
  leave: [
    (world, worker, index) => {
      worker.leaving = worker.leaving === 'now' || index % 2 === 1 ? 'now' : 'later'
      world.distributor.retire(worker)
      worker.handovers.leave(worker.leaving)
    },
    1,
  ],
  kill: [(world, worker) => world.kill(worker), 1],
  fork: [world => world.fork(), 1],
}

const step = fc.record({
  name: fc.oneof(...Object.entries(STEPS).map(([name, [, weight]]) => ({ arbitrary: fc.constant(name), weight }))),
  worker: fc.nat(10),
  index: fc.nat(20),
})

type Steps = readonly { name: string; worker: number; index: number }[]

function run(world: World, steps: Steps): void {
  for (const { name, worker, index } of steps) {
    if (world.workers.length === 0) world.fork()
    STEPS[name][0](world, world.workers[worker % world.workers.length], index)
  }
}

const manySteps = fc.array(step, { minLength: 20, maxLength: 150, size: 'max' })

test('no connection is served by two or lost, whatever happens in whatever order', () => {
  const property = fc.property(manySteps, steps => {
    const world = new World(0)
    run(world, steps)
    world.settle()
    world.verifyOwners()
    world.verifyNoneLost()
  })
  fc.assert(property, { numRuns: 1000 })
})

test('each place under the limit is counted once', () => {
  const property = fc.property(manySteps, steps => {
    const world = new World(LIMIT)
    run(world, steps)
    world.settle()
    world.verifyOwners()
    world.verifyPlaces(LIMIT)
  })
  fc.assert(property, { numRuns: 500 })
})

test('what no worker has when the primary closes is closed once', () => {
  const property = fc.property(manySteps, manySteps, (before, after) => {
    const world = new World(LIMIT)
    run(world, before)
    world.distributor.close()
    run(world, after)
    world.settle()
    world.verifyOwners()
  })
  fc.assert(property, { numRuns: 500 })
})
